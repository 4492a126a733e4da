// What two or more runs were configured with differently.

import { formatValue } from "../format.ts";

export interface ConfigDifference {
  readonly key: string;
  /** One a run; "–" where the run does not have it. */
  readonly values: readonly string[];
}

export function configDifferences(configs: readonly Readonly<Record<string, unknown>>[]): ConfigDifference[] {
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))].sort((a, b) => a.localeCompare(b));
  return keys
    .map((key) => ({ key, values: configs.map((config) => (key in config ? formatValue(config[key]) : "–")) }))
    .filter(({ values }) => new Set(values).size > 1);
}
