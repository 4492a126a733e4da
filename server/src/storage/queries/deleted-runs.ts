// Runs that were deleted and not taken back: in no answer.

/** After it a deletion cannot be taken back. */
export const graceMs = 7 * 86_400_000;

/** For `run NOT IN …`. */
export const deletedRuns = "(SELECT run FROM tombstones FINAL WHERE deleted = 1)";
