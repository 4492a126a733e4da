// What a migration is. Forward only; a released one is never edited: its checksum is stored with the data.

export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Each may be run again after a crash in the middle: IF NOT EXISTS, ADD COLUMN IF NOT EXISTS and the like. */
  readonly statements: readonly string[];
}

/** An acknowledged row survives power loss: parts are synced on insert and on merge, before the sources go. */
export const durable = `SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 120`;
