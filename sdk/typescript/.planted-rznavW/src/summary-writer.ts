// TensorBoard's `SummaryWriter`, for code that is written against it.

import { init } from "./init.ts";
import type { FinishReport, ImageInput, InitOptions, Run } from "./types.ts";

/** Height × width × channels in row order, as TensorBoard's "HWC"; or encoded bytes. */
export type WriterImage = ImageInput;

export class SummaryWriter {
  /** The run behind it, for everything that TensorBoard does not know. */
  readonly run: Run;

  /** @param options A run that is open, or the options of a new one. */
  constructor(options: InitOptions | { readonly run: Run } = {}) {
    this.run = "run" in options ? options.run : init(options);
  }

  addScalar(tag: string, value: number, step?: number): void {
    this.run.log({ [tag]: value }, stepOption(step));
  }

  /** Several values of one chart: "loss" with { train, val } logs "loss/train" and "loss/val". */
  addScalars(mainTag: string, values: Readonly<Record<string, number>>, step?: number): void {
    this.run.log(Object.fromEntries(Object.entries(values).map(([tag, value]) => [`${mainTag}/${tag}`, value])), stepOption(step));
  }

  addHistogram(tag: string, values: ArrayLike<number>, step?: number): void {
    this.run.logTensor(tag, values, stepOption(step));
  }

  addImage(tag: string, image: WriterImage, step?: number): void {
    this.run.logImage(tag, image, stepOption(step));
  }

  addHparams(hyperparameters: Readonly<Record<string, unknown>>, metrics: Readonly<Record<string, number>> = {}): void {
    Object.assign(this.run.config, hyperparameters);
    Object.assign(this.run.summary, metrics);
  }

  /** Nothing to do: batches close by themselves. */
  flush(): void {
    // As promised.
  }

  close(): Promise<FinishReport> {
    return this.run.finish();
  }
}

const stepOption = (step: number | undefined): { readonly step?: number } => (step === undefined ? {} : { step });
