// Dead units in words: which layers have them at the last step, the worst first.

import type { TensorMatrix } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatCount, formatShare } from "../format.ts";
import { tensorId } from "./tensor-id.ts";

const LAYERS_MAX = 6;

export function DeadUnits({ matrix: { rows, steps } }: { readonly matrix: TensorMatrix }): ReactNode {
  const latest = rows.flatMap(({ tensor, values }) => {
    const column = values.findLastIndex((value) => typeof value === "number");
    return column < 0 ? [] : [{ tensor, share: values[column] as number, step: steps[column] as number }];
  });
  const dead = latest.filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
  const step = latest.reduce((most, one) => Math.max(most, one.step), -1);
  if (latest.length === 0) return <p className="summary muted">No units were counted.</p>;
  if (dead.length === 0) return <p className="summary">No dead units at step {formatCount(step)}.</p>;
  return (
    <p className="summary" data-testid="dead-units">
      Dead at step {formatCount(step)}, active on less than 0.2 % of the samples:{" "}
      {dead.slice(0, LAYERS_MAX).map(({ tensor, share }, i) => (
        <span key={tensorId(tensor)}>
          {i === 0 ? "" : ", "}
          {tensor.name} <strong>{formatShare(share)}</strong>
        </span>
      ))}
      {dead.length > LAYERS_MAX ? ` and ${dead.length - LAYERS_MAX} more layers` : ""}.
    </p>
  );
}
