// The rules there are, in the order in which people read them: by the precedence of causes.

import type { AnyRule } from "./rule.ts";
import { explodingGradient } from "./rules/exploding-gradient.ts";
import { lossPlateau } from "./rules/loss-plateau.ts";
import { nonFinite } from "./rules/non-finite.ts";

export const CATALOGUE: readonly AnyRule[] = [nonFinite, explodingGradient, lossPlateau];
