// Absent and undefined differ on the wire.

/** A record that holds the key only where there is a value. */
export function present<Key extends string, Value>(key: Key, value: Value | undefined): { [key in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [key in Key]?: Value });
}
