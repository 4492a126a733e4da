// Which of several series of one role a rule follows: the raw one of the step records if there is one, else the first
// that came, and then always the same. Two series of one trouble must not open two incidents.

import type { MetricRole } from "./observation.ts";
import type { Frame } from "./rule.ts";

const RAW_PREFIX = "step/";

export interface Picked {
  readonly metric: string;
  readonly value: number;
  /** The series took the place of another one: what was learned from that one does not hold. */
  readonly replaced: boolean;
}

/** The followed series' point in this frame. `following` is the name picked before, "" for none. */
export function pickSeries(frame: Frame, role: MetricRole, following: string): Picked | null {
  let known: Picked | null = null;
  for (const { metric, role: itsRole, value } of frame.points) {
    if (itsRole !== role) continue;
    if (metric === following) known = { metric, value, replaced: false };
    else if (metric.startsWith(RAW_PREFIX)) return { metric, value, replaced: following !== "" };
    else if (following === "") known ??= { metric, value, replaced: false };
  }
  return known;
}
