// Which role each metric of a run has: the user's definitions, the later one first, then the default by name.

import type { MetricRole } from "../detect/observation.ts";

export interface RoleTable {
  define(pattern: string, role: MetricRole): void;
  roleOf(metric: string): MetricRole;
}

export function createRoleTable(defaultRole: (metric: string) => MetricRole): RoleTable {
  const definitions: { readonly matches: (name: string) => boolean; readonly role: MetricRole }[] = [];
  const cache = new Map<string, MetricRole>();
  return {
    define(pattern, role) {
      definitions.unshift({ matches: matcherOf(pattern), role });
      cache.clear();
    },
    roleOf(metric) {
      const known = cache.get(metric);
      if (known !== undefined) return known;
      const role = definitions.find(({ matches }) => matches(metric))?.role ?? defaultRole(metric);
      cache.set(metric, role);
      return role;
    },
  };
}

/** "*" stands for any characters. Linear in the name, whatever the pattern: pieces are found left to right. */
export function matcherOf(pattern: string): (name: string) => boolean {
  const pieces = pattern.split("*");
  if (pieces.length === 1) return (name) => name === pattern;
  const first = pieces[0] as string;
  const last = pieces.at(-1) as string;
  const inner = pieces.slice(1, -1);
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let from = first.length;
    for (const piece of inner) {
      const at = name.indexOf(piece, from);
      if (at < 0) return false;
      from = at + piece.length;
    }
    return from <= name.length - last.length;
  };
}
