// The demo's three trainings: one network on one task, healthy, and with one thing wrong each. What is expected of the
// rules stands beside it, and `npm run demo -- --once` holds them to it.

export interface Training {
  /** Run id. */
  readonly id: string;
  readonly story: string;
  readonly learningRate: number;
  /** The learning rate is multiplied by this after each step. */
  readonly learningRateGrowth: number;
  /** False: only the last layer learns, from a few random features. */
  readonly trainTrunk: boolean;
  readonly epochs: number;
  /** Rules whose alert must fire; no other may. */
  readonly expected: readonly string[];
}

const healthy: Training = {
  id: "healthy",
  story: "a small network learns ten digits",
  learningRate: 0.2,
  learningRateGrowth: 1,
  trainTrunk: true,
  epochs: 16,
  expected: [],
};

export const trainings: readonly Training[] = [
  healthy,
  {
    ...healthy,
    id: "exploding",
    story: "the same, but its schedule raises the learning rate by 2 % a step where it should lower it",
    learningRateGrowth: 1.02,
    epochs: 4,
    expected: ["exploding-gradient", "non-finite"],
  },
  {
    ...healthy,
    id: "plateau",
    story: "the same, but all layers below the last are frozen by mistake",
    trainTrunk: false,
    expected: ["loss-plateau"],
  },
];

export function trainingOf(id: string): Training {
  const found = trainings.find((training) => training.id === id);
  if (found === undefined)
    throw new Error(`no training is called ${JSON.stringify(id)}; there are ${trainings.map((one) => one.id).join(", ")}`);
  return found;
}
