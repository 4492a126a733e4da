// Forking: the new run begins with what its parent shows at steps before the fork, as rows of its own. A copy, not a reference:
// reading, watching, exporting and deleting need not know of forks. May be repeated, by several ranks at once, after a crash:
// the same rows again.

import type { SessionCuts } from "../storage/queries/session-cut.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import { type Copy, inheritedCopies } from "../storage/queries/inherited.ts";
import type { Store } from "../storage/store.ts";

export interface Fork {
  readonly parent: bigint;
  readonly child: bigint;
  /** Partition of the child's data. */
  readonly month: number;
  /** Steps below it are inherited. */
  readonly step: bigint;
}

export async function inheritHistory(store: Store, { parent, child, month, step }: Fork): Promise<void> {
  const cuts: SessionCuts = await sessionCuts(store, [parent]);
  const copy = (one: Copy): Promise<void> => store.change(one, { parent, child, month, step, ...cuts });
  // Names first, as everywhere: numbers without a name would be lost.
  for (const one of inheritedCopies.names) await copy(one);
  for (const one of inheritedCopies.data) await copy(one);
}
