// Where an activation function hardly passes gradients on: the intervals of its input on which the absolute value of its derivative is below
// 5 % of its largest. Found from the derivatives' formulas; the test holds them to tfjs's own derivatives. Functions
// without an entry (softmax, linear, those with learned slopes) have no such share.

export type Interval = readonly [from: number, to: number];

const NEVER_BELOW = Number.NEGATIVE_INFINITY;
const NEVER_ABOVE = Number.POSITIVE_INFINITY;
/** sigmoid′ = s(1 − s) ≤ 1/4; s(1 − s) = 1/80 at s = (1 − √0.95) / 2. */
const SIGMOID = logit((1 + Math.sqrt(0.95)) / 2);
/** tanh′ = 1 − tanh² ≤ 1. */
const TANH = Math.atanh(Math.sqrt(0.95));
/** e^x = 0.05. */
const EXPONENTIAL = Math.log(0.05);

const INTERVALS: Readonly<Record<string, readonly Interval[]>> = {
  relu: [[NEVER_BELOW, 0]],
  relu6: [
    [NEVER_BELOW, 0],
    [6, NEVER_ABOVE],
  ],
  sigmoid: [
    [NEVER_BELOW, -SIGMOID],
    [SIGMOID, NEVER_ABOVE],
  ],
  // 0.2 x + 0.5 between −2.5 and 2.5.
  hardSigmoid: [
    [NEVER_BELOW, -2.5],
    [2.5, NEVER_ABOVE],
  ],
  tanh: [
    [NEVER_BELOW, -TANH],
    [TANH, NEVER_ABOVE],
  ],
  elu: [[NEVER_BELOW, EXPONENTIAL]],
  // λα e^x below 0, whose limit at 0 is the largest.
  selu: [[NEVER_BELOW, EXPONENTIAL]],
  // Its derivative is the sigmoid: 0.05 at −ln 19.
  softplus: [[NEVER_BELOW, -Math.log(19)]],
  // 1 / (1 + |x|)² = 0.05.
  softsign: [
    [NEVER_BELOW, 1 - Math.sqrt(20)],
    [Math.sqrt(20) - 1, NEVER_ABOVE],
  ],
  // These three turn back upwards below zero, so that their derivative crosses zero there. Found numerically.
  swish: [
    [NEVER_BELOW, -3.93],
    [-1.595, -1.059],
  ],
  gelu: [
    [NEVER_BELOW, -2.278],
    [-0.903, -0.633],
  ],
  gelu_new: [
    [NEVER_BELOW, -2.278],
    [-0.903, -0.633],
  ],
  mish: [
    [NEVER_BELOW, -3.981],
    [-1.441, -1.013],
  ],
};

/** By tfjs's name of the function; undefined where there is no share to speak of. */
export function flatIntervals(activation: string): readonly Interval[] | undefined {
  return Object.hasOwn(INTERVALS, activation) ? INTERVALS[activation] : undefined;
}

/** What an activation layer of its own does, from its configuration: bounds and slopes are its options. tfjs cannot train through ThresholdedReLU. */
export function flatIntervalsOfLayer(className: string, config: Readonly<Record<string, unknown>>): readonly Interval[] | undefined {
  const option = (name: string): number | undefined => (typeof config[name] === "number" ? config[name] : undefined);
  const max = option("maxValue");
  switch (className) {
    case "ReLU":
      return [[NEVER_BELOW, 0], ...(max === undefined ? [] : [[max, NEVER_ABOVE] as const])];
    case "LeakyReLU":
      return (option("alpha") ?? 0.3) < 0.05 ? [[NEVER_BELOW, 0]] : [];
    // tfjs has it with α = 1 alone.
    case "ELU":
      return INTERVALS["elu"];
    default:
      return undefined;
  }
}

function logit(p: number): number {
  return Math.log(p / (1 - p));
}
