export { gradwatchCallback } from "./callback.ts";
export type { GradwatchCallbackOptions } from "./callback.ts";
export type { Group } from "./cadence.ts";
export { watch } from "./watch.ts";
export type { ModelWatchingOptions, Watcher } from "./watch.ts";
export type { WatchOptions } from "./watch-settings.ts";
