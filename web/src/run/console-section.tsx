// What the run printed: the last lines, or those that hold a word.

import { type ReactNode, useState } from "react";
import { useConsole } from "../api/queries.ts";
import { Answer } from "../parts/answer.tsx";
import type { RunRef } from "../routes.ts";

export function ConsoleSection({ of: ref, ranks }: { readonly of: RunRef; readonly ranks: number }): ReactNode {
  const [search, setSearch] = useState("");
  const query = useConsole(ref, search);
  const lines = query.data?.pages.toReversed().flatMap((page) => page.lines) ?? [];
  return (
    <section aria-labelledby="console-title">
      <div className="section-head">
        <h2 id="console-title">Console</h2>
        <label>
          <span>Lines with</span>
          <input type="search" value={search} maxLength={200} onChange={(event) => setSearch(event.target.value)} />
        </label>
      </div>
      <Answer query={query} what="the console">
        {() =>
          lines.length === 0 ? (
            <p className="muted">{search === "" ? "Nothing was printed, or capturing it is switched off." : "No line holds this."}</p>
          ) : (
            <>
              {query.hasNextPage ? (
                <button type="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Earlier lines
                </button>
              ) : null}
              <pre className="console" tabIndex={0} data-testid="console" aria-label="Console lines">
                {lines.map(({ id, time, rank, stream, text }) => (
                  <span key={id} className={stream}>
                    <time dateTime={new Date(time).toISOString()}>{new Date(time).toLocaleTimeString("en-GB")}</time>{" "}
                    {ranks > 1 ? `${rank}: ` : ""}
                    {text}
                    {"\n"}
                  </span>
                ))}
              </pre>
            </>
          )
        }
      </Answer>
    </section>
  );
}
