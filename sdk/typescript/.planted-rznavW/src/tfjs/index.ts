export { gradwatchCallback } from "./callback.ts";
export type { GradwatchCallbackOptions } from "./callback.ts";
