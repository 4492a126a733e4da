// `run.config` and `run.summary`: objects that read as what was set and report what is set. Setting never throws.

/** @param set Told about every name that is set. */
export function liveRecord<Value>(
  initial: Readonly<Record<string, Value>>,
  set: (name: string, value: Value) => void,
): Record<string, Value> {
  // Without a prototype, "__proto__" is a name like any other.
  const target = Object.assign(Object.create(null) as Record<string, Value>, initial);
  return new Proxy(target, {
    set(_target, name, value: Value) {
      if (typeof name !== "string") return true;
      target[name] = value;
      set(name, value);
      return true;
    },
    deleteProperty: () => true,
  });
}
