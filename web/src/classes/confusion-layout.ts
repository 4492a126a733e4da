// A confusion matrix in numbers: who was taken for whom, as shares of each label's samples, and the worst of it.

export interface Mistake {
  readonly label: number;
  readonly prediction: number;
  readonly count: number;
  /** Of the label's samples. */
  readonly share: number;
}

export interface Confusion {
  /** shares[label][prediction], null where the label had no sample. */
  readonly shares: readonly (readonly (number | null)[])[];
  readonly samples: number;
  readonly right: number;
  /** The most frequent one; undefined: all is right. */
  readonly worst: Mistake | undefined;
}

export function layOutConfusion(counts: readonly (readonly number[])[]): Confusion {
  const sums = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const shares = counts.map((row, label) => row.map((count) => (sums[label] === 0 ? null : count / (sums[label] as number))));
  const mistakes = counts.flatMap((row, label) =>
    row.flatMap((count, prediction): Mistake[] =>
      label === prediction || count === 0 ? [] : [{ label, prediction, count, share: shares[label]?.[prediction] ?? 0 }],
    ),
  );
  return {
    shares,
    samples: sums.reduce((a, b) => a + b, 0),
    right: counts.reduce((sum, row, label) => sum + (row[label] ?? 0), 0),
    worst: mistakes.reduce<Mistake | undefined>((most, one) => (most === undefined || one.count > most.count ? one : most), undefined),
  };
}

/** A few confused samples among a thousand stay visible. */
export const emphasis = (share: number): number => Math.sqrt(share);
