// Pictures for the wire: encoded ones as they are, pixels as PNG.

import { encode } from "fast-png";
import { imageSize } from "image-size";
import type { ImageInput, Pixels } from "./types.ts";

export interface EncodedImage {
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

const mediaTypes: Readonly<Record<string, string>> = { png: "image/png", jpg: "image/jpeg", webp: "image/webp" };
/** Pixels of one side: an encoder that runs beside training must have an end. */
const SIDE_MAX = 4_096;

/** @throws Error with one clear sentence. */
export function encodeImage(input: ImageInput): EncodedImage {
  if (input instanceof Uint8Array) return encoded(input);
  if (typeof input === "object" && input !== null && "data" in input) return fromPixels(input);
  throw new TypeError("an image is a Uint8Array of PNG, JPEG or WebP, or { data, width, height } with its pixels");
}

function encoded(bytes: Uint8Array): EncodedImage {
  const found = sizeOf(bytes);
  const mediaType = mediaTypes[found?.type ?? ""];
  if (found === undefined || mediaType === undefined) {
    throw new TypeError(`${bytes.length} bytes are no PNG, JPEG or WebP; pixels go as { data, width, height }`);
  }
  return { mediaType, width: found.width, height: found.height, data: Uint8Array.from(bytes) };
}

function sizeOf(bytes: Uint8Array): { width: number; height: number; type?: string } | undefined {
  try {
    return imageSize(bytes);
  } catch {
    return undefined;
  }
}

function fromPixels({ data, width, height }: Pixels): EncodedImage {
  for (const [what, side] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(side) || side < 1 || side > SIDE_MAX)
      throw new RangeError(`the ${what} is ${String(side)}; it must be an integer from 1 to ${SIDE_MAX}`);
  }
  const channels = data.length / (width * height);
  if (![1, 2, 3, 4].includes(channels)) {
    throw new RangeError(`${data.length} values are not ${width} × ${height} pixels of 1, 2, 3 or 4 channels`);
  }
  const bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray ? new Uint8Array(data) : scaled(data);
  return { mediaType: "image/png", width, height, data: new Uint8Array(encode({ data: bytes, width, height, channels, depth: 8 })) };
}

/** Floats are drawn from the smallest finite value (black) to the largest (white); NaN is black. */
function scaled(values: ArrayLike<number>): Uint8Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high > low ? high - low : 1;
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    // Clamped before rounding: ±Inf are the ends; a Uint8Array turns NaN into 0.
    bytes[i] = Math.round(255 * Math.min(1, Math.max(0, (value - low) / range)));
  }
  return bytes;
}
