// Small pictures of one size as one: eight in a row, white lines between them, all on one scale so that they can be compared.

import type { Pixels } from "../types.ts";

/** Tiles of one picture. */
export const TILES_MAX = 64;
const COLUMNS = 8;
/** Pixels between tiles. */
const GAP = 1;
/** A tile is drawn this large at least, each value as a square. */
const SIDE_MIN = 16;
/** Pixels of one picture, about: what encodes in some milliseconds. */
const PIXELS_MAX = 2 ** 18;

export interface Tiles {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** 1 is grey, 3 are colours. */
  readonly channels: 1 | 3;
  valueAt(tile: number, y: number, x: number, channel: number): number;
}

/** How many of them fit into one picture. */
export const tilesShown = ({ count, height, width }: Pick<Tiles, "count" | "height" | "width">): number =>
  Math.max(1, Math.min(count, TILES_MAX, Math.floor(PIXELS_MAX / (height * width))));

/** @param scale The values that are black and white; NaN is black. */
export function drawTiles(tiles: Tiles, scale: { readonly black: number; readonly white: number }): Pixels {
  const { height, width, channels } = tiles;
  const shown = tilesShown(tiles);
  const zoom = Math.max(1, Math.ceil(SIDE_MIN / Math.max(height, width)));
  const columns = Math.min(COLUMNS, shown);
  const cell = { height: height * zoom + GAP, width: width * zoom + GAP };
  const image = { width: columns * cell.width - GAP, height: Math.ceil(shown / columns) * cell.height - GAP };
  const range = scale.white - scale.black;
  const data = new Uint8Array(image.width * image.height * channels).fill(255);
  for (let tile = 0; tile < shown; tile++) {
    const [top, left] = [Math.floor(tile / columns) * cell.height, (tile % columns) * cell.width];
    for (let y = 0; y < height * zoom; y++) {
      for (let x = 0; x < width * zoom; x++) {
        for (let channel = 0; channel < channels; channel++) {
          const value = tiles.valueAt(tile, Math.floor(y / zoom), Math.floor(x / zoom), channel);
          const level = range === 0 ? 0.5 : Math.min(1, Math.max(0, (value - scale.black) / range));
          // A Uint8Array turns NaN into 0.
          data[((top + y) * image.width + left + x) * channels + channel] = Math.round(255 * level);
        }
      }
    }
  }
  return { data, ...image };
}

/** Smallest and largest finite value of the tiles that are shown; 0 and 0 where there is none. */
export function rangeOf(tiles: Tiles): { readonly min: number; readonly max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const shown = tilesShown(tiles);
  for (let tile = 0; tile < shown; tile++) {
    for (let y = 0; y < tiles.height; y++) {
      for (let x = 0; x < tiles.width; x++) {
        for (let channel = 0; channel < tiles.channels; channel++) {
          const value = tiles.valueAt(tile, y, x, channel);
          if (!Number.isFinite(value)) continue;
          if (value < min) min = value;
          if (value > max) max = value;
        }
      }
    }
  }
  return min <= max ? { min, max } : { min: 0, max: 0 };
}
