// How a range of steps is cut into at most `max` columns of equal width, for buckets of series and columns of tensors.

export interface StepColumns {
  readonly origin: number;
  /** Steps in a column. */
  readonly width: number;
}

/** Of [first, last], inclusive. */
export const stepColumns = (first: number, last: number, max: number): StepColumns => ({
  origin: first,
  width: Math.max(1, Math.ceil((last - first + 1) / max)),
});

export const columnOf = ({ origin, width }: StepColumns, step: number): number => Math.floor((step - origin) / width);
