// What one message may hold. Told to every client at OpenRun; a batch over a limit is rejected, never cut.

import { create } from "@bufbuild/protobuf";
import { type Limits, LimitsSchema } from "@gradwatch/proto";

export type IngestLimits = Limits;

export const defaultLimits: IngestLimits = create(LimitsSchema, {
  batchBytesMax: 4 * 1024 * 1024,
  batchPointsMax: 500_000,
  nameBytesMax: 512,
  runNamesMax: 100_000,
  histogramBucketsMax: 512,
  imageBytesMax: 2 * 1024 * 1024,
  textBytesMax: 64 * 1024,
  inFlightBatchesMax: 64,
});

/** A value outside its limit, in words: what, value, limit, remedy. */
export interface LimitBreach {
  readonly message: string;
}

// eslint-disable-next-line no-control-regex -- control characters are exactly what names must not hold
const controlCharacter = /[\u0000-\u001f\u007f]/;

/** Checks a project, run, metric or tensor name. */
export function checkName(what: string, name: string, limits: IngestLimits): LimitBreach | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0) return { message: `${what} is empty. Give it 1 to ${limits.nameBytesMax} bytes.` };
  if (bytes > limits.nameBytesMax) {
    return {
      message: `${what} ${JSON.stringify(shorten(name))} is ${bytes} bytes; the limit is ${limits.nameBytesMax} (limits.nameBytesMax). Shorten it.`,
    };
  }
  if (controlCharacter.test(name)) {
    return { message: `${what} ${JSON.stringify(shorten(name))} holds a control character. Remove it.` };
  }
  return undefined;
}

export const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
