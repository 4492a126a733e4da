// What a new installation shows: how to log the first number.

import type { ReactNode } from "react";

const SNIPPET = `import { init } from "@gradwatch/sdk";

const run = init({ project: "first" });
run.log({ loss: 0.5 });
await run.finish();`;

export function FirstRun(): ReactNode {
  return (
    <section className="first-run">
      <h2>No runs yet</h2>
      <p>Log the first one from a training process on this machine:</p>
      <pre tabIndex={0}>
        <code>{SNIPPET}</code>
      </pre>
      <p className="muted">It appears here as soon as it opens; nothing has to be reloaded.</p>
    </section>
  );
}
