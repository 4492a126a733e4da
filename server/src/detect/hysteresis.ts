// quiet → suspect → firing → quiet, with patience at both ends: a rule enters only after `enterPatience` observations in
// a row beyond the enter threshold, and leaves only after `exitPatience` in a row on the good side of the exit threshold.
// Between the two thresholds nothing moves. Counts observations, not steps: any logging cadence.

export type Gauge = {
  phase: "quiet" | "suspect" | "firing";
  /** Observations in a row that speak for the next phase. */
  streak: number;
  /** Step of the first observation of the suspicion; NaN while quiet. */
  onsetStep: number;
};

export type GaugeEvent = "none" | "fired" | "resolved";

export interface Patience {
  readonly enter: number;
  readonly exit: number;
}

export function quietGauge(): Gauge {
  return { phase: "quiet", streak: 0, onsetStep: Number.NaN };
}

/** Moves the gauge in place. `entered`: beyond the enter threshold; `exited`: on the good side of the exit threshold. */
export function advanceGauge(gauge: Gauge, step: number, entered: boolean, exited: boolean, patience: Patience): GaugeEvent {
  if (gauge.phase === "firing") {
    gauge.streak = exited ? gauge.streak + 1 : 0;
    if (gauge.streak < patience.exit) return "none";
    resetGauge(gauge);
    return "resolved";
  }
  if (!entered) {
    resetGauge(gauge);
    return "none";
  }
  if (gauge.phase === "quiet") {
    gauge.phase = "suspect";
    gauge.onsetStep = step;
  }
  gauge.streak += 1;
  if (gauge.streak < patience.enter) return "none";
  gauge.phase = "firing";
  gauge.streak = 0;
  return "fired";
}

export function resetGauge(gauge: Gauge): void {
  gauge.phase = "quiet";
  gauge.streak = 0;
  gauge.onsetStep = Number.NaN;
}
