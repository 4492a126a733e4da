// @gradwatch/sdk: what a training process imports.

export { init } from "./init.ts";
export { SummaryWriter } from "./summary-writer.ts";
export { summarize } from "./summarize.ts";
export type * from "./types.ts";
