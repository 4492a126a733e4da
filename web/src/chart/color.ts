// Colours of data. Runs: Okabe and Ito's palette, distinguishable with colour-vision deficiencies (jfly.uni-koeln.de/color),
// in an order that keeps neighbours apart, with variants that reach 3:1 on the page's background. Heatmaps: viridis
// (bids.github.io/colormap), even in lightness, by linear interpolation between nine of its colours.

const LINES_LIGHT = ["#0062a8", "#c04a00", "#00795a", "#a03c78", "#8a6a00", "#2a7fb8", "#5b4bb0", "#444444"];
const LINES_DARK = ["#56b4e9", "#ff8a3d", "#2fc79a", "#e79ac8", "#f0d04a", "#8fb8ff", "#b9a4ff", "#c8c8c8"];

export type Theme = "light" | "dark";

export function lineColor(index: number, theme: Theme): string {
  const palette = theme === "dark" ? LINES_DARK : LINES_LIGHT;
  return palette[index % palette.length] as string;
}

/** Each in 0–255. */
export type Rgb = readonly [number, number, number];

const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"].map((hex): Rgb => [
  Number.parseInt(hex.slice(1, 3), 16),
  Number.parseInt(hex.slice(3, 5), 16),
  Number.parseInt(hex.slice(5, 7), 16),
]);

/** `share` in [0, 1]. */
export function viridis(share: number): Rgb {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const below = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const [from, to] = [VIRIDIS[below], VIRIDIS[below + 1]] as [Rgb, Rgb];
  const mix = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * (at - below));
  return [mix(0), mix(1), mix(2)];
}

export interface Scale {
  readonly min: number;
  readonly max: number;
  /** In [0, 1]; values outside are clamped. */
  shareOf(value: number): number;
}

/**
 * A logarithmic scale over the positive values, cut off `decadesMax` decades above and below their median: neither one
 * explosion nor one layer without gradients may wash out all the rest.
 */
export function logScale(values: readonly number[], decadesMax = 4): Scale {
  const logs = values
    .filter((value) => value > 0 && Number.isFinite(value))
    .map(Math.log10)
    .sort((a, b) => a - b);
  const [bottom, middle, top] = [logs[0], logs[Math.floor(logs.length / 2)], logs.at(-1)];
  if (bottom === undefined || middle === undefined || top === undefined) return { min: 0, max: 0, shareOf: () => 0 };
  const from = Math.max(bottom, middle - decadesMax);
  const to = Math.min(top, middle + decadesMax);
  const width = Math.max(to - from, 1e-9);
  return { min: 10 ** from, max: 10 ** to, shareOf: (value) => (value > 0 ? clamp((Math.log10(value) - from) / width) : 0) };
}

/** A linear scale over the finite values. */
export function linearScale(values: readonly number[]): Scale {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return { min: 0, max: 0, shareOf: () => 0 };
  const min = finite.reduce((a, b) => Math.min(a, b));
  const max = finite.reduce((a, b) => Math.max(a, b));
  const width = max - min || 1;
  return { min, max, shareOf: (value) => clamp((value - min) / width) };
}

/** For shares of a whole: the same colours in every picture. */
export const shareScale: Scale = { min: 0, max: 1, shareOf: (value) => clamp(value) };

/** Black or white, whichever reads better on a colour: one of them always reaches 4.5:1. */
export function textOn(background: Rgb): "#000000" | "#ffffff" {
  const [red, green, blue] = background.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  // Relative luminance, WCAG 2.2; 0.179 has the same contrast to both.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share));
