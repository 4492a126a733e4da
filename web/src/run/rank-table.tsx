// Ranks of a distributed run, side by side: the one whose last step is behind is the one that hangs.

import type { RunDetail } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatAge, formatCount } from "../format.ts";
import { RunStateBadge } from "../parts/badges.tsx";
import { useNow } from "../parts/use-now.ts";

export function RankTable({ run }: { readonly run: RunDetail }): ReactNode {
  const now = useNow();
  if (run.rankStates.length < 2) return null;
  const furthest = Math.max(...run.rankStates.map(({ lastStep }) => lastStep ?? -1));
  return (
    <section aria-labelledby="ranks-title">
      <h2 id="ranks-title">Ranks</h2>
      <table className="rules" data-testid="rank-table">
        <thead>
          <tr>
            <th scope="col">Rank</th>
            <th scope="col">State</th>
            <th scope="col">Last step</th>
            <th scope="col">Behind</th>
            <th scope="col">Last sign of life</th>
          </tr>
        </thead>
        <tbody>
          {run.rankStates.map(({ rank, state, lastStep, lastSignAt }) => (
            <tr key={rank}>
              <th scope="row">{rank}</th>
              <td>
                <RunStateBadge state={state} />
              </td>
              <td>{lastStep === null ? "–" : formatCount(lastStep)}</td>
              <td>{furthest < 0 || lastStep === furthest ? "" : `${formatCount(furthest - (lastStep ?? -1))} steps`}</td>
              <td>{lastSignAt === null ? "–" : formatAge(lastSignAt, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
