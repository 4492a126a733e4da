// A run's detector as it was: the newest snapshot, and what was stored after it, batch by batch in version order. So a
// restart between a commit and its watching loses no finding.

import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import {
  CheckpointSchema,
  ClassRecordSchema,
  type MetricDefinition,
  MetricDefinitionSchema,
  OpenRunRequestSchema,
  RunFactsSchema,
  UserAlertSchema,
} from "@gradwatch/proto";
import type { z } from "zod";
import type { Json } from "../detect/snapshot.ts";
import type { Transition } from "../detect/transition.ts";
import { userAlertTransition } from "./user-alerts.ts";
import type { MetricRole, ObservationBatch, TensorObservation } from "../detect/observation.ts";
import type { KnownRun } from "../ingest/known-run.ts";
import {
  classesSince,
  detectorSnapshot,
  rankSessionStarts,
  scalarsSince,
  tensorsSince,
  unitValuesSince,
  watchedEvents,
} from "../storage/queries/watch.ts";
import type { Store } from "../storage/store.ts";
import { classObservation, factsOf } from "./observations.ts";
import { createSeenVersions, type SavedVersions, type SeenVersions } from "./seen-versions.ts";

export interface StoredWatch {
  readonly definitions: readonly MetricDefinition[];
  readonly snapshot: Json | undefined;
  readonly seen: SeenVersions;
  /** What the run raised itself: of every title the last. */
  readonly userAlerts: readonly Transition[];
  replay(roleOf: (metric: string) => MetricRole): AsyncIterable<{ readonly ver: bigint; readonly observations: ObservationBatch }>;
}

/** Rows replayed at most, newest last: beyond it a detector starts blind rather than keep a live run waiting. */
const replayRowsMax = 500_000;

/** Of these, values by unit and class records: a few kilobytes each. */
const replayWideRowsMax = 10_000;

/** A rank that is not in the snapshot yet may have a clock behind the others'. */
const clockSkewMicroseconds = 30_000_000n;

export async function loadWatched(store: Store, run: KnownRun): Promise<StoredWatch> {
  const [[stored], events, sessions] = await Promise.all([
    store.read(detectorSnapshot, { run: run.key }),
    store.read(watchedEvents, { run: run.key }),
    store.read(rankSessionStarts, { run: run.key }),
  ]);
  const saved = stored === undefined ? undefined : (JSON.parse(stored.state) as { seen: SavedVersions; detector: Json });
  const seen = createSeenVersions(saved?.seen);
  const bodyOf = (body: string): JsonValue => JSON.parse(body) as JsonValue;
  return {
    definitions: events
      .filter(({ kind }) => kind === "metric-definition")
      .map(({ body }) => fromJson(MetricDefinitionSchema, bodyOf(body), { ignoreUnknownFields: true })),
    snapshot: saved?.detector,
    userAlerts: [
      ...new Map(
        events
          .filter(({ kind }) => kind === "user-alert")
          .map(({ rank, step, body }) => {
            const raised = userAlertTransition(
              fromJson(UserAlertSchema, bodyOf(body), { ignoreUnknownFields: true }),
              rank,
              step ?? undefined,
            );
            return [raised.subject, raised] as const;
          }),
      ).values(),
    ],
    seen,
    async *replay(roleOf) {
      const newest = seen.leastNewest() ?? 0n;
      const since = newest > clockSkewMicroseconds ? newest - clockSkewMicroseconds : 0n;
      const parameters = { run: run.key, since, rows: replayRowsMax };
      const wide = { ...parameters, rows: replayWideRowsMax };
      const [scalars, tensors, units, classes] = await Promise.all([
        store.read(scalarsSince, parameters),
        store.read(tensorsSince, parameters),
        store.read(unitValuesSince, wide),
        store.read(classesSince, wide),
      ]);
      const batches = new Map<string, Building>();
      const batchOf = (rank: number, ver: bigint): Building => {
        const key = `${rank}:${ver}`;
        const existing = batches.get(key);
        if (existing !== undefined) return existing;
        const session = sessions.findLast((row) => row.rank === rank && row.ver_start <= ver)?.session ?? 0;
        const fresh: Building = { ver, rank, session, scalars: [], tensors: [], steps: [], classes: [], checkpoints: [] };
        batches.set(key, fresh);
        return fresh;
      };
      for (const { kind, rank, ver, body } of events) {
        if (kind === "opened") {
          const { facts } = fromJson(OpenRunRequestSchema, bodyOf(body), { ignoreUnknownFields: true });
          if (facts !== undefined) Object.assign(batchOf(rank, ver), { facts: factsOf(facts) });
        } else if (kind === "facts") {
          const batch = batchOf(rank, ver);
          batch.facts = { ...batch.facts, ...factsOf(fromJson(RunFactsSchema, bodyOf(body), { ignoreUnknownFields: true })) };
        } else if (kind === "checkpoint") {
          const { step, path } = fromJson(CheckpointSchema, bodyOf(body), { ignoreUnknownFields: true });
          batchOf(rank, ver).checkpoints.push({ step: Number(step), path });
        }
      }
      for (const { rank, ver, name, steps, times, values } of scalars) {
        const batch = batchOf(rank, ver);
        batch.scalars.push({
          metric: name,
          role: roleOf(name),
          steps: Float64Array.from(steps),
          times: Float64Array.from(times),
          values: Float64Array.from(values),
        });
        if (name === "step/skipped") steps.forEach((step, i) => batch.steps.push({ step, skipped: values[i] !== 0 }));
      }
      const unitsOf = new Map(units.map((row) => [unitKey(row.rank, row.ver, row.step, row.tensor), row]));
      for (const row of tensors) {
        batchOf(row.rank, row.ver).tensors.push(tensorObservation(row, unitsOf.get(unitKey(row.rank, row.ver, row.step, row.tensor_key))));
      }
      for (const { rank, ver, body } of classes) {
        batchOf(rank, ver).classes.push(classObservation(fromJson(ClassRecordSchema, bodyOf(body), { ignoreUnknownFields: true })));
      }
      const ordered = [...batches.values()].toSorted((a, b) => (a.ver < b.ver ? -1 : a.ver > b.ver ? 1 : 0));
      for (const { ver, ...observations } of ordered) {
        if (ver > seen.newest(observations.rank)) yield { ver, observations };
      }
    },
  };
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] extends readonly (infer Item)[] ? Item[] : Value[Key] };
type Building = Mutable<ObservationBatch> & { readonly ver: bigint };

const unitKey = (rank: number, ver: bigint, step: number, tensor: string): string => `${rank}:${ver}:${step}:${tensor}`;

function tensorObservation(
  row: z.output<(typeof tensorsSince)["row"]>,
  units: z.output<(typeof unitValuesSince)["row"]> | undefined,
): TensorObservation {
  return {
    name: row.name,
    kind: row.kind,
    layer: row.layer,
    topologicalIndex: row.topological_index,
    role: row.role,
    phase: row.phase,
    activation: row.activation,
    step: row.step,
    time: row.time_ms,
    count: row.elements,
    nan: row.nan_count,
    positiveInfinity: row.positive_infinity,
    negativeInfinity: row.negative_infinity,
    zero: row.zero,
    ...(Number.isNaN(row.minimum) ? {} : { min: row.minimum }),
    ...(Number.isNaN(row.maximum) ? {} : { max: row.maximum }),
    sum: row.total,
    sumSquares: row.total_squares,
    sumAbsolute: row.total_absolute,
    samples: row.samples,
    units: row.units,
    unitsActiveBelow2Permille: row.units_active_below_2_permille,
    unitsActiveBelow1Percent: row.units_active_below_1_percent,
    unitsZeroSpread: row.units_zero_spread,
    ...(Number.isNaN(row.derivative_below_5_percent) ? {} : { derivativeBelow5Percent: row.derivative_below_5_percent }),
    ...(Number.isNaN(row.update_surprise_rms) ? {} : { updateSurpriseRms: row.update_surprise_rms }),
    ...(units === undefined || units.means.length === 0 ? {} : { unitMeans: units.means }),
    ...(units === undefined || units.stds.length === 0 ? {} : { unitStds: units.stds }),
  };
}
