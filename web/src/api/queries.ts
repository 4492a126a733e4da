// What the page asks the API, as react-query hooks. Keys of everything about one run begin with ["run", refKey]: that is
// how live events find what to read again.

import { keepPreviousData, type UseQueryResult, useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import type {
  ClassRecords,
  ConsolePage,
  ImageInfo,
  Incident,
  IncidentPage,
  Metric,
  Project,
  Rule,
  RuleStatus,
  RunDetail,
  RunPage,
  SeriesResponse,
  ServerState,
  Tensor,
  TensorHistograms,
  TensorMatrix,
  TensorUnits,
} from "@gradwatch/server/api-types";
import { type RunRef, refKey, runHref } from "../routes.ts";
import { getJson, postJson } from "./client.ts";

const PAGE_SIZE = 100;
/** Metrics of one request; the API takes up to 200. */
const METRICS_PER_REQUEST = 50;

export interface StepRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

export const runQueryKey = (ref: RunRef, ...rest: readonly unknown[]): readonly unknown[] => ["run", refKey(ref), ...rest];

export const useRules = (): UseQueryResult<readonly Rule[]> =>
  useQuery({ queryKey: ["rules"], queryFn: async ({ signal }) => (await getJson<{ rules: Rule[] }>("/rules", signal)).rules });

const SERVER_STATE_PAUSE_MS = 30_000;

/** Asked again by the clock: no event tells. */
export const useServer = (): UseQueryResult<ServerState> =>
  useQuery({
    queryKey: ["server"],
    queryFn: ({ signal }) => getJson<ServerState>("/server", signal),
    refetchInterval: SERVER_STATE_PAUSE_MS,
  });

export interface RunFilter {
  readonly project: string;
  readonly state: string;
  readonly search: string;
  /** In the language of filters, like the order. */
  readonly filter: string;
  readonly sort: string;
}

export const useProjects = (): UseQueryResult<readonly Project[]> =>
  useQuery({
    queryKey: ["projects"],
    queryFn: async ({ signal }) => (await getJson<{ projects: Project[] }>("/projects", signal)).projects,
  });

export const useRuns = (filter: RunFilter) =>
  useInfiniteQuery({
    queryKey: ["runs", filter],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      getJson<RunPage>(`/runs?${search({ ...filter, limit: String(PAGE_SIZE), cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export interface AlertFilter {
  readonly project: string;
  readonly state: string;
  readonly rule: string;
}

export const useAlerts = (filter: AlertFilter) =>
  useInfiniteQuery({
    queryKey: ["alerts", filter],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      getJson<IncidentPage>(`/alerts?${search({ ...filter, limit: String(PAGE_SIZE), cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export const useRun = (ref: RunRef): UseQueryResult<RunDetail> =>
  useQuery({ queryKey: runQueryKey(ref, "detail"), queryFn: ({ signal }) => getJson<RunDetail>(apiPath(ref), signal) });

export const useRunDetails = (refs: readonly RunRef[]) =>
  useQueries({
    queries: refs.map((ref) => ({
      queryKey: runQueryKey(ref, "detail"),
      queryFn: ({ signal }: { signal: AbortSignal }) => getJson<RunDetail>(apiPath(ref), signal),
    })),
  });

export const useRunAlerts = (ref: RunRef): UseQueryResult<readonly Incident[]> =>
  useQuery({
    queryKey: runQueryKey(ref, "alerts"),
    queryFn: async ({ signal }) => (await getJson<IncidentPage>(`/alerts?${search({ ...ref, limit: "200" })}`, signal)).incidents,
  });

export const useRuleStatuses = (ref: RunRef): UseQueryResult<readonly RuleStatus[]> =>
  useQuery({
    queryKey: runQueryKey(ref, "rules"),
    queryFn: async ({ signal }) => (await getJson<{ rules: RuleStatus[] }>(`${apiPath(ref)}/rules`, signal)).rules,
  });

export const useMetrics = (refs: readonly RunRef[]) =>
  useQueries({
    queries: refs.map((ref) => ({
      queryKey: runQueryKey(ref, "metrics"),
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        (await getJson<{ metrics: Metric[] }>(`${apiPath(ref)}/metrics`, signal)).metrics,
    })),
  });

/** One request a run and block of metrics, so that one run's news makes only its own series be read again. */
export const useSeries = (refs: readonly RunRef[], metrics: readonly string[], range: StepRange | undefined, maxBuckets: number) =>
  useQueries({
    queries: refs.flatMap((ref) =>
      chunks(metrics, METRICS_PER_REQUEST).map((names) => ({
        queryKey: runQueryKey(ref, "series", names, range ?? null, maxBuckets),
        queryFn: async ({ signal }: { signal: AbortSignal }) => {
          const steps = range === undefined ? {} : { stepFrom: range.from, stepTo: range.to };
          return (await postJson<SeriesResponse>("/series", { runs: [ref], metrics: names, maxBuckets, ...steps }, signal)).series;
        },
        placeholderData: keepPreviousData,
      })),
    ),
    combine: (results) => ({
      series: results.flatMap(({ data }) => data ?? []),
      pending: results.some(({ isPending }) => isPending),
      error: results.find(({ error }) => error !== null)?.error ?? null,
    }),
  });

export const useTensors = (ref: RunRef): UseQueryResult<readonly Tensor[]> =>
  useQuery({
    queryKey: runQueryKey(ref, "tensors"),
    queryFn: async ({ signal }) => (await getJson<{ tensors: Tensor[] }>(`${apiPath(ref)}/tensors`, signal)).tensors,
  });

export const useMatrix = (ref: RunRef, kind: string, phase: string, statistic: string): UseQueryResult<TensorMatrix> =>
  useQuery({
    queryKey: runQueryKey(ref, "matrix", kind, phase, statistic),
    queryFn: ({ signal }) =>
      getJson<TensorMatrix>(`${apiPath(ref)}/tensors/matrix?${search({ kind, phase, statistic, columns: "240" })}`, signal),
    placeholderData: keepPreviousData,
  });

export const useHistograms = (ref: RunRef, tensor: Tensor): UseQueryResult<TensorHistograms> =>
  useQuery({
    queryKey: runQueryKey(ref, "histograms", tensor.kind, tensor.phase, tensor.name),
    queryFn: ({ signal }) => {
      const { name, kind, phase } = tensor;
      return getJson<TensorHistograms>(
        `${apiPath(ref)}/tensors/histograms?${search({ name, kind, phase, columns: "60", bins: "80" })}`,
        signal,
      );
    },
    placeholderData: keepPreviousData,
  });

export const useUnits = (ref: RunRef, { name, kind, phase }: Tensor, enabled: boolean): UseQueryResult<TensorUnits> =>
  useQuery({
    queryKey: runQueryKey(ref, "units", kind, phase, name),
    queryFn: ({ signal }) => getJson<TensorUnits>(`${apiPath(ref)}/tensors/units?${search({ name, kind, phase, columns: "240" })}`, signal),
    enabled,
  });

/** With a step only the confusion of that step; without, everything and the last confusion. */
export const useClasses = (
  ref: RunRef,
  { phase, rank, step }: { readonly phase: string; readonly rank: number; readonly step?: number | undefined },
  enabled = true,
): UseQueryResult<ClassRecords> =>
  useQuery({
    queryKey: runQueryKey(ref, "classes", phase, rank, step ?? null),
    queryFn: ({ signal }) => {
      const one = step === undefined ? {} : { step: String(step), records: "1" };
      return getJson<ClassRecords>(`${apiPath(ref)}/classes?${search({ phase, rank: String(rank), ...one })}`, signal);
    },
    placeholderData: keepPreviousData,
    enabled,
  });

export const useConsole = (ref: RunRef, text: string) =>
  useInfiniteQuery({
    queryKey: runQueryKey(ref, "console", text),
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      getJson<ConsolePage>(`${apiPath(ref)}/console?${search({ search: text, limit: "200", cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export const useImages = (ref: RunRef): UseQueryResult<readonly ImageInfo[]> =>
  useQuery({
    queryKey: runQueryKey(ref, "images"),
    queryFn: async ({ signal }) => (await getJson<{ images: ImageInfo[] }>(`${apiPath(ref)}/images`, signal)).images,
  });

/** Where the browser gets an image. The time tells one from another that was logged for the same step. */
export const imageAddress = (ref: RunRef, { name, step, rank, time }: ImageInfo): string =>
  `/api/v1${apiPath(ref)}/images/data?${search({ name, step: String(step), rank: String(rank), t: String(time) })}`;

const apiPath = runHref;

function search(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "")).toString();
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
