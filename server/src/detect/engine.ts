// Watches one run: feeds what its ranks log to the rules and answers with the incidents that opened, changed or ended.
// Deterministic: the same observations give the same incidents however they are cut into batches. It touches no
// clock, disk or network; the caller stores transitions and snapshots. Memory is O(1) a series.

import { CATALOGUE } from "./catalogue.ts";
import { addGradient, nonFiniteElements, openFrame, setPoint } from "./frame-builder.ts";
import { createIncidentBook } from "./incidents.ts";
import { mergeBySteps } from "./merge.ts";
import type { Checkpoint, MetricRole, ObservationBatch, RunFacts, ScalarColumn, TensorObservation } from "./observation.ts";
import { refuseUnknownRules, resolveOptions } from "./options.ts";
import type { RuleOptions } from "./options.ts";
import { FAILURES_MAX, feedRule, startRank, takeFrame } from "./rank-watch.ts";
import type { RankState, RunningRule } from "./rank-watch.ts";
import type { AnyRule, Finding, FiringFinding, Observation, Signal } from "./rule.ts";
import { type SavedRun, readSavedRun, writeSavedRun } from "./saved-run.ts";
import { createSeriesTable, remember } from "./series-table.ts";
import type { Json } from "./snapshot.ts";
import { EVIDENCE_POINTS_MAX } from "./transition.ts";
import type { Evidence, RuleStatus, Transition } from "./transition.ts";

export interface DetectorCounts {
  /** Points at or before the last step seen in their series: order-dependent rules did not see them. */
  readonly late: number;
  /** Series forgotten to stay under the limit. */
  readonly evictedSeries: number;
  /** Times that a rule threw. */
  readonly ruleFailures: number;
}

export interface RunDetectorOptions {
  readonly rules?: readonly AnyRule[];
  /** Option values by rule id; what is absent keeps the rule's default. */
  readonly options?: RuleOptions;
  /** Series with a known role that are followed at once, over all ranks. Default 256. */
  readonly seriesMax?: number;
  /** What an earlier detector of the same run answered. One of another format is refused with an error. */
  readonly snapshot?: Json;
}

export interface RunDetector {
  /** Feed the batches of one rank in the order in which it logged them; ranks may interleave freely. */
  observe(batch: ObservationBatch): Transition[];
  /** The run has ended: judges what was still waiting for a next step. */
  finish(): Transition[];
  /** JSON, a few kilobytes a rank. */
  snapshot(): Json;
  /** One entry a rule, in the catalogue's order. */
  status(): RuleStatus[];
  counts(): DetectorCounts;
}

const SERIES_MAX = 256;
const CHECKPOINTS_MAX = 32;
const BATCH_IDS_MAX = 64;
const EVIDENCE_BATCH_IDS_MAX = 8;

/** Series that rules follow step by step. Any other costs one look for non-finite values. */
const FRAME_ROLES: ReadonlySet<MetricRole> = new Set(["loss", "validation-loss", "learning-rate", "gradient-norm"]);

export function createRunDetector(given: RunDetectorOptions = {}): RunDetector {
  const catalogue = given.rules ?? CATALOGUE;
  refuseUnknownRules(catalogue, given.options ?? {});
  const rules: RunningRule[] = catalogue.map((rule) => ({
    rule,
    options: resolveOptions(rule, given.options?.[rule.id]),
    failures: 0,
    lastFailure: "",
  }));
  const saved: SavedRun = readSavedRun(given.snapshot ?? null, rules);
  const series = createSeriesTable(given.seriesMax ?? SERIES_MAX, saved.series, saved.evictedSeries);
  const incidents = createIncidentBook(saved.incidents);
  const ranks = new Map<number, RankState>(saved.ranks.map((state) => [state.rank, state]));
  const signals = new Set<Signal>(saved.signals);
  let checkpoints: Checkpoint[] = [...saved.checkpoints];
  let facts: RunFacts = saved.facts;
  let late = saved.late;

  function feed(rank: RankState, index: number, observation: Observation): void {
    for (const finding of feedRule(rank, index, rules[index]!, observation, facts)) report(rank, rules[index]!.rule, finding);
  }

  function feedAll(rank: RankState, observation: Observation): void {
    for (let index = 0; index < rules.length; index += 1) feed(rank, index, observation);
  }

  function feedOrderFree(rank: RankState, observation: Observation): void {
    for (let index = 0; index < rules.length; index += 1) if (rules[index]!.rule.orderFree) feed(rank, index, observation);
  }

  function report(rank: RankState, rule: AnyRule, finding: Finding): void {
    if (finding.state === "resolved") {
      incidents.resolve(finding, { rule: rule.id, rank: rank.rank });
      return;
    }
    const batchIds = rank.batchIds.filter(({ step }) => step >= finding.onsetStep && step <= finding.step).map(({ id }) => id);
    incidents.fire(finding, {
      rule: rule.id,
      ruleVersion: rule.version,
      rank: rank.rank,
      evidence: { window: windowOf(rank, finding.window), batchIds: batchIds.slice(-EVIDENCE_BATCH_IDS_MAX) },
      lastCheckpoint: checkpoints.findLast(({ step }) => step < finding.onsetStep) ?? null,
    });
  }

  function windowOf(rank: RankState, wanted: FiringFinding["window"]): Evidence["window"] {
    if (wanted === null || "series" in wanted) return wanted;
    const entry = series.find(rank.rank, wanted.metric);
    const steps = [...(entry?.steps ?? [])];
    const values = [...(entry?.values ?? [])];
    if (wanted.point !== undefined && !steps.includes(wanted.point.step)) {
      steps.push(wanted.point.step);
      values.push(wanted.point.value);
    }
    return { series: wanted.metric, steps: steps.slice(-EVIDENCE_POINTS_MAX), values: values.slice(-EVIDENCE_POINTS_MAX) };
  }

  function closeOpenFrame(rank: RankState): void {
    const observation = takeFrame(rank);
    if (observation === null || observation.kind !== "frame") return;
    // Evidence first: a rule that fires on this frame shows its points.
    for (const { metric, value } of observation.frame.points) {
      const entry = series.find(rank.rank, metric);
      if (entry !== undefined) remember(entry, observation.frame.step, value);
    }
    feedAll(rank, observation);
  }

  /** The frame of `step`, or null when a later one is open: what comes then stands alone. */
  function frameAt(rank: RankState, step: number): RankState["frame"] {
    if (rank.frame !== null && step > rank.frame.step) closeOpenFrame(rank);
    rank.frame ??= openFrame(step);
    return rank.frame.step === step ? rank.frame : null;
  }

  function observePoint(rank: RankState, column: ScalarColumn, index: number, current: boolean): void {
    const { metric, role } = column;
    const step = column.steps[index]!;
    const value = column.values[index]!;
    const followed = current && FRAME_ROLES.has(role);
    // A step that begins closes the one before it, whatever began it.
    const frame = followed ? frameAt(rank, step) : null;
    if (!Number.isFinite(value) || isWatched(rank, metric)) feedOrderFree(rank, { kind: "point", metric, role, step, value });
    if (!followed) return;
    const entry = series.touch(rank.rank, metric);
    if (step < entry.lastStep || (step === entry.lastStep && frame === null)) {
      late += 1;
      return;
    }
    entry.lastStep = step;
    if (frame !== null) {
      setPoint(frame, metric, role, value);
      return;
    }
    // A series that counts its own steps: a frame of its own.
    remember(entry, step, value);
    feedAll(rank, { kind: "frame", frame: { step, points: [{ metric, role, value }], gradients: null, skipped: null } });
  }

  function observeTensor(rank: RankState, tensor: TensorObservation, current: boolean): void {
    const frame = current ? frameAt(rank, tensor.step) : null;
    if (tensor.kind === "gradient") signals.add("gradient-tensors");
    if (nonFiniteElements(tensor) > 0 || isWatched(rank, tensor.name)) feedOrderFree(rank, { kind: "tensor", tensor });
    if (tensor.kind !== "gradient") return;
    if (frame === null) late += 1;
    else addGradient(frame, tensor);
  }

  function isWatched(rank: RankState, name: string): boolean {
    return rules.some(({ rule }, index) => rule.watches?.(rank.states[index]!, name) === true);
  }

  function rankOf(batch: ObservationBatch): RankState {
    let rank = ranks.get(batch.rank);
    if (rank === undefined) ranks.set(batch.rank, (rank = startRank(batch.rank, batch.session, rules, facts)));
    if (batch.session > rank.session) {
      closeOpenFrame(rank);
      rank.session = batch.session;
      series.resetCursors(rank.rank);
      feedAll(rank, { kind: "session" });
    }
    return rank;
  }

  function noteSignals(batch: ObservationBatch): void {
    if (batch.scalars.length > 0 || batch.tensors.length > 0) signals.add("any");
    for (const { role } of batch.scalars) if (role === "loss" || role === "gradient-norm") signals.add(role);
  }

  function observe(batch: ObservationBatch): Transition[] {
    facts = { ...facts, ...batch.facts };
    if (batch.checkpoints.length > 0) {
      checkpoints = [...checkpoints, ...batch.checkpoints].toSorted((a, b) => a.step - b.step).slice(-CHECKPOINTS_MAX);
    }
    noteSignals(batch);
    const rank = rankOf(batch);
    // A session that was left behind may still deliver: only rules that need no order look at it.
    const current = batch.session === rank.session;
    const columns = batch.scalars.filter(
      ({ metric, role, values }) =>
        role !== "ignored" && ((current && FRAME_ROLES.has(role)) || !allFinite(values) || isWatched(rank, metric)),
    );
    mergeBySteps(batch, columns, {
      point: (column, index) => observePoint(rank, column, index, current),
      tensor: (tensor) => observeTensor(rank, tensor, current),
      step({ step, skipped, batchId }) {
        const frame = current ? frameAt(rank, step) : null;
        if (frame !== null) frame.skipped = skipped ?? false;
        if (batchId !== undefined) rank.batchIds = [...rank.batchIds, { step, id: batchId }].slice(-BATCH_IDS_MAX);
        feedOrderFree(rank, { kind: "step", step, skipped: skipped ?? false });
      },
    });
    return incidents.takeTransitions();
  }

  return {
    observe,
    finish() {
      for (const rank of ranks.values()) closeOpenFrame(rank);
      return incidents.takeTransitions();
    },
    snapshot: () =>
      writeSavedRun(rules, {
        series: series.entries(),
        evictedSeries: series.evicted(),
        incidents: incidents.save(),
        ranks: [...ranks.values()],
        signals: [...signals],
        checkpoints,
        facts,
        late,
      }),
    status: () => rules.map((running, index) => statusOf(running, index, [...ranks.values()], signals, incidents.stateOf(running.rule.id))),
    counts: () => ({ late, evictedSeries: series.evicted(), ruleFailures: rules.reduce((sum, { failures }) => sum + failures, 0) }),
  };
}

function statusOf(
  { rule, failures, lastFailure }: RunningRule,
  index: number,
  ranks: readonly RankState[],
  signals: ReadonlySet<Signal>,
  incident: "firing" | "resolved" | null,
): RuleStatus {
  const base = { rule: rule.id, title: rule.title };
  if (failures >= FAILURES_MAX)
    return { ...base, status: "not-evaluated", needs: `switched off after ${failures} failures: ${lastFailure}` };
  const missing = rule.needs.find(({ anyOf }) => !anyOf.some((signal) => signals.has(signal)));
  if (missing !== undefined) return { ...base, status: "not-evaluated", needs: missing.otherwise };
  if (incident === "firing") return { ...base, status: "firing", needs: null };
  if (ranks.some(({ states }) => rule.suspects(states[index]))) return { ...base, status: "suspect", needs: null };
  return { ...base, status: incident ?? "quiet", needs: null };
}

function allFinite(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i]!;
    // NaN for NaN and the infinities, 0 for all others.
    if (value - value !== 0) return false;
  }
  return true;
}
