// Series in the notation of Prometheus' unit tests (prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules):
// "a+bxn" is a, a+b, … a+nb; "a-bxn" falls; "axn" is n + 1 times a; "_" is a step at which nothing was logged. "nan" and
// "inf" are values.

/** A hole: nothing was logged at this step. */
export type Sample = number | undefined;

export function series(text: string): Sample[] {
  return text.trim().split(/\s+/).flatMap(expand);
}

const NUMBER = String.raw`-?(?:\d+(?:\.\d+)?(?:e-?\d+)?|inf|nan)`;
const ITEM = new RegExp(`^(${NUMBER}|_)(?:([+-]${NUMBER.slice(2)}))?(?:x(\\d+))?$`, "i");

function expand(item: string): Sample[] {
  const match = ITEM.exec(item);
  if (match === null) throw new Error(`${JSON.stringify(item)} is not a value, "_", "axn" or "a+bxn"`);
  const [, start = "", stride = "0", times = "0"] = match;
  return Array.from({ length: Number(times) + 1 }, (_none, i) =>
    start === "_" ? undefined : numberOf(start) + (i === 0 ? 0 : i * numberOf(stride)),
  );
}

function numberOf(text: string): number {
  const lower = text.toLowerCase();
  if (lower === "nan") return Number.NaN;
  return lower.endsWith("inf") ? (lower.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

/** A seeded generator: mulberry32, uniform in [0, 1). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function normal(seed: number): () => number {
  const draw = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

/** `length` values of a function of the step, with multiplicative noise of the given standard deviation. */
export function curve(length: number, value: (step: number) => number, noise: number, seed = 1): number[] {
  const draw = normal(seed);
  return Array.from({ length }, (_none, step) => value(step) * (1 + noise * draw()));
}
