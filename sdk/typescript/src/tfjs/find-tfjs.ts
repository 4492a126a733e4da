// Finds the tfjs that trains: whichever of the packages the user has. All of them give the same functions over one engine, which tfjs keeps in a global.

import { createRequire } from "node:module";
import type * as tf from "@tensorflow/tfjs";

/** tfjs-node brings "@tensorflow/tfjs" along, but some installers hide it from others. */
const PACKAGES = ["@tensorflow/tfjs", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"] as const;

let found: typeof tf | undefined;

/** @throws Where none is installed, with what to do. */
export function findTfjs(): typeof tf {
  if (found !== undefined) return found;
  // As this package sees it, then as the program does that was started.
  const places = [import.meta.url, ...(process.argv[1] === undefined ? [] : [process.argv[1]])];
  for (const place of places) {
    const load = createRequire(place);
    for (const name of PACKAGES) {
      try {
        return (found = load(name) as typeof tf);
      } catch {
        // Not installed, or its native library is missing: the next one may do.
      }
    }
  }
  throw new Error(
    `none of ${PACKAGES.join(", ")} is installed where @gradwatch/sdk looks. Install one, or pass the one that trains: { tf }.`,
  );
}
