// What a migration is. Forward only; a released one is never edited: its checksum is stored with the data.

export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Each may be run again after a crash in the middle: IF NOT EXISTS, ADD COLUMN IF NOT EXISTS and the like. */
  readonly statements: readonly string[];
}
