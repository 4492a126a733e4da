// Puts a method of one object in place of its own, and takes it off again. Where somebody else has put theirs over ours
// meanwhile, ours stays below it: it must then pass everything on, and does so by asking `active`.

export interface Override {
  /** The object is as it was, unless another override lies over this one. */
  remove(): void;
}

/** @param replace Gets the method as it was, bound to nothing, and gives the one to put there. */
export function override<Key extends string, Method extends (...args: never[]) => unknown>(
  object: { [key in Key]: Method },
  key: Key,
  replace: (original: Method, isActive: () => boolean) => Method,
): Override {
  const before = Object.getOwnPropertyDescriptor(object, key);
  let active = true;
  const replacement = replace(object[key], () => active);
  object[key] = replacement;
  return {
    remove() {
      active = false;
      if (object[key] !== replacement) return;
      if (before === undefined) delete (object as Partial<typeof object>)[key];
      else Object.defineProperty(object, key, before);
    },
  };
}
