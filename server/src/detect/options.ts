// Option values of rules: defaults, and what a configuration may say instead. A value out of range is refused by name.

import type { AnyRule, OptionValues, RuleOption } from "./rule.ts";

export type RuleOptions = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The complete option values of one rule. Throws an Error that says what to write instead. */
export function resolveOptions(rule: AnyRule, given: Readonly<Record<string, number>> = {}): OptionValues {
  const options: Readonly<Record<string, RuleOption>> = rule.options;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(options, name)) {
      throw new Error(`rule ${rule.id} has no option "${name}"; it has ${Object.keys(options).join(", ")}`);
    }
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const value = given[name] ?? option.default;
      if (!(value >= option.min && value <= option.max)) {
        throw new Error(`option ${rule.id}.${name} is ${value}; it must be from ${option.min} to ${option.max}`);
      }
      return [name, value];
    }),
  );
}

export function refuseUnknownRules(rules: readonly AnyRule[], given: RuleOptions): void {
  for (const id of Object.keys(given)) {
    if (!rules.some((rule) => rule.id === id)) {
      throw new Error(`there is no rule "${id}"; there are ${rules.map((rule) => rule.id).join(", ")}`);
    }
  }
}
