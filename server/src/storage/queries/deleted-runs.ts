// Runs that were deleted and not taken back: in no answer.

/** For `run NOT IN …`. */
export const deletedRuns = "(SELECT run FROM tombstones FINAL WHERE deleted = 1)";
