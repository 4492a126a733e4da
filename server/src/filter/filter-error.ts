// Why a text is no filter: what is wrong, where, and what was expected there.

export class FilterError extends Error {
  override readonly name = "FilterError";
  /** Of the text's characters (UTF-16 code units), from 1. */
  readonly column: number;

  constructor(column: number, message: string) {
    super(`column ${column}: ${message}`);
    this.column = column;
  }
}
