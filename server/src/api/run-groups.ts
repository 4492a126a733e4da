// Facets, groups and keys of the runs that a filter means, as the API tells them.

import { fields } from "../filter/fields.ts";
import { FilterError } from "../filter/filter-error.ts";
import { parseField, parseFields } from "../filter/parse.ts";
import { printField } from "../filter/print.ts";
import { facetQuery, type GroupRow, groupsQuery, keysQuery } from "../storage/queries/run-groups.ts";
import { jsonFloat } from "./json-float.ts";
import { type AskedRuns, filterOf, ofText } from "./run-list.ts";
import type { ReadContext } from "./run-reader.ts";
import type { Cell, RunFacets, RunGroups, RunKeys } from "./schema-runs.ts";

const valuesMax = 100;
const groupsMax = 1_000;
const keysMax = 1_000;

const selectionOf = (asked: AskedRuns, { tenant, nowMs, silenceMs }: ReadContext) => ({
  tenant,
  filter: filterOf(asked),
  project: asked.project,
  nowMs,
  silenceMs,
});

export async function readFacets(asked: AskedRuns & { readonly fields: string }, context: ReadContext): Promise<RunFacets> {
  const chosen = ofText("fields", asked.fields, parseFields) ?? [];
  const selection = selectionOf(asked, context);
  const facets = await Promise.all(
    chosen.map(async (field) => {
      const { query, parameters } = facetQuery(field, selection, valuesMax);
      const rows = await context.store.read(query, parameters, { signal: context.signal });
      return {
        field: printField(field),
        distinct: rows[0]?.distinct ?? 0,
        values: rows.map((row) => ({ value: valueOf(row), runs: row.runs })),
      };
    }),
  );
  return { facets };
}

export async function readGroups(
  asked: AskedRuns & { readonly by: string; readonly of?: string | undefined },
  context: ReadContext,
): Promise<RunGroups> {
  const by = ofText("by", asked.by, parseField);
  const of = ofText("of", asked.of, parseNumbers) ?? [];
  const { query, parameters } = groupsQuery(by as NonNullable<typeof by>, of, selectionOf(asked, context), groupsMax + 1);
  const rows = await context.store.read(query, parameters, { signal: context.signal });
  return {
    of: of.map(printField),
    groups: rows.slice(0, groupsMax).map((row) => ({ value: valueOf(row), runs: row.runs, statistics: row.statistics.map(statisticsOf) })),
    complete: rows.length <= groupsMax,
  };
}

export async function readKeys(asked: AskedRuns, context: ReadContext): Promise<RunKeys> {
  const { query, parameters } = keysQuery(selectionOf(asked, context), keysMax);
  const rows = await context.store.read(query, parameters, { signal: context.signal });
  const of = (wanted: string) => rows.filter(({ field }) => field === wanted).map(({ name, runs }) => ({ name, runs }));
  return { config: of("config"), fact: of("fact"), summary: of("summary") };
}

/** @throws FilterError where a field has no numbers */
function parseNumbers(text: string) {
  const parsed = parseFields(text);
  const wordy = parsed.find(({ name }) => !["number", "duration", "any"].includes(fields[name].type));
  if (wordy !== undefined)
    throw new FilterError(1, `${printField(wordy)} has no numbers: name summaries, config, facts, step, duration or firing.`);
  return parsed;
}

function valueOf({ kind, number, text }: { readonly kind: number; readonly number: number; readonly text: string }): Cell {
  if (kind === 0) return null;
  if (kind === 1) return jsonFloat(number);
  return kind === 3 ? number === 1 : text;
}

function statisticsOf([count, nonFinite, mean, std, median, min, max]: GroupRow["statistics"][number]) {
  const known = (value: number, from = 1): number | null => (count < from ? null : value);
  return { count, nonFinite, mean: known(mean), std: known(std, 2), median: known(median), min: known(min), max: known(max) };
}
