// A run that does nothing, in the shape of one that does: so that code that logs need not ask.

import type { FinishReport, LogRecord, Run } from "./types.ts";

/** @param countAs With a reason, what is logged is counted as dropped for it; without, it is not counted at all. */
export function disabledRun(project: string, id: string, countAs: string | undefined): Run {
  let logged = 0;
  const note = (points: number): void => {
    if (countAs !== undefined) logged += points;
  };
  const report = (): FinishReport => ({
    logged,
    acknowledged: 0,
    rejected: 0,
    dropped: countAs === undefined ? {} : { [countAs]: logged },
    pending: 0,
  });
  return {
    project,
    id,
    url: "",
    log: (record: LogRecord) => note(typeof record === "object" && record !== null ? Object.keys(record).length : 0),
    logTensor: () => note(1),
    logSummaries: (summaries) => note(summaries.length),
    logStep: () => note(1),
    describe: () => note(1),
    defineMetric: () => note(1),
    checkpoint: () => note(1),
    onAlert: () => () => undefined,
    shouldStop: () => false,
    finish: () => Promise.resolve(report()),
  };
}
