// The fields of a run that a filter may name, each with its type, and which operators a type knows. One table: parser,
// SQL and documentation all follow it.

export type FieldType = "text" | "state" | "set" | "time" | "duration" | "flag" | "number" | "any";

interface FieldInfo {
  readonly type: FieldType;
  /** What it is, as in an error's list. */
  readonly about: string;
}

export const fields = {
  name: { type: "text", about: "the run's name" },
  id: { type: "text", about: "the run's id" },
  project: { type: "text", about: "the project it is in" },
  group: { type: "text", about: "the group it was put in" },
  tag: { type: "set", about: "its tags" },
  state: { type: "state", about: "running, finished, failed, crashed, killed or preempted" },
  owner: { type: "text", about: "whose key opened it" },
  host: { type: "text", about: "the machine of its first rank" },
  created: { type: "time", about: "when it was first opened" },
  duration: { type: "duration", about: "from its creation to its end, or until now" },
  step: { type: "number", about: "its largest step" },
  config: { type: "any", about: "a hyper-parameter, as config.lr" },
  fact: { type: "any", about: "a run fact, as fact.plannedSteps" },
  summary: { type: "number", about: 'an aggregate of a metric, as summary."val/acc".max' },
  alert: { type: "set", about: "rules that raised an incident on it" },
  firing: { type: "number", about: "how many of its incidents fire now" },
  verdict: { type: "set", about: "verdicts that people gave on its incidents" },
  note: { type: "text", about: "its notes" },
  error: { type: "text", about: "the exception that ended it" },
  archived: { type: "flag", about: "put away; hidden unless a filter names it" },
  pinned: { type: "flag", about: "kept on top and never expired" },
} as const satisfies Record<string, FieldInfo>;

export type FieldName = keyof typeof fields;

export const isFieldName = (name: string): name is FieldName => Object.hasOwn(fields, name);

export const states = ["running", "finished", "failed", "crashed", "killed", "preempted"] as const;

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "like" | "~";

const equality: readonly Operator[] = ["=", "!=", "in"];
const order: readonly Operator[] = ["=", "!=", "<", "<=", ">", ">="];
const texts: readonly Operator[] = [...equality, "like", "~"];

/** Texts have no order here: engines and languages disagree about it. */
export const operatorsOf: Readonly<Record<FieldType, readonly Operator[]>> = {
  text: texts,
  state: texts,
  set: texts,
  time: order,
  duration: order,
  flag: ["=", "!="],
  number: [...order, "in"],
  any: [...order, "in", "like", "~"],
};

/** What a literal of the type looks like, for errors. */
export const literalOf: Readonly<Record<FieldType, string>> = {
  text: 'a text in double quotes, as "a"',
  state: `one of ${states.map((state) => `"${state}"`).join(", ")}`,
  set: 'a text in double quotes, as "a"',
  time: 'a moment, as now-7d or "2026-01-31"',
  duration: "a duration with its unit (ms, s, m, h, d, w), as 90m",
  flag: "true or false",
  number: "a number, as 0.01",
  any: "a number, a text in double quotes, true, false or null",
};
