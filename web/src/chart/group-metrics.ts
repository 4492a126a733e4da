// Orders a run's metrics into groups of charts by the part before the last "/". Losses first: they are what people look
// for; the ungrouped next; the rest by name; the machine's own last.

export interface MetricGroup {
  /** "" for metrics without a "/". */
  readonly name: string;
  readonly metrics: readonly string[];
}

/** What the SDK measures of the machine. */
const SYSTEM = "system";

const isLoss = (name: string): boolean => /(^|[/_.])loss$/i.test(name);

export function groupMetrics(names: readonly string[]): MetricGroup[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const group = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  return [...groups]
    .map(([name, metrics]) => ({ name, metrics: metrics.toSorted(byLossThenName) }))
    .sort(
      (a, b) =>
        Number(a.name === SYSTEM) - Number(b.name === SYSTEM) ||
        Number(b.metrics.some(isLoss)) - Number(a.metrics.some(isLoss)) ||
        a.name.localeCompare(b.name),
    );
}

const byLossThenName = (a: string, b: string): number => Number(isLoss(b)) - Number(isLoss(a)) || a.localeCompare(b);
