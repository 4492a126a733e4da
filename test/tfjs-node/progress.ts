// What the build of the binding tells people: one line a step, and for what stops it, what to do.

import color from "picocolors";

export const say = (what: string): void => console.log(`${color.dim("tfjs-node")} ${what}`);

/** Something that people must see to. */
export class BuildError extends Error {
  readonly advice: readonly string[];

  constructor(what: string, advice: readonly string[]) {
    super(what);
    this.advice = advice;
  }
}
