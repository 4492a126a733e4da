// An engine that does not answer any more, and does not end when it is asked to.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startEmbeddedEngine } from "../../server/src/engine/embedded.ts";

test("a stuck engine does not keep its server from ending", async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-stuck-"));
  const engine = await startEmbeddedEngine({ dataFolder, memoryBytesMax: 1024 ** 3, onCrash: () => expect.unreachable() });
  const pid = engine.pid() as number;
  process.kill(pid, "SIGSTOP");
  await engine.stop();
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  rmSync(dataFolder, { recursive: true, force: true });
});
