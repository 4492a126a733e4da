// What is captured without being logged: everything, unless it is switched off.

export const captureKinds = ["environment", "git", "usage", "console"] as const;
export type CaptureKind = (typeof captureKinds)[number];
export type CaptureSettings = Readonly<Record<CaptureKind, boolean>>;

const all = (on: boolean): CaptureSettings => ({ environment: on, git: on, usage: on, console: on });

/**
 * @param option `false`: nothing; an object switches single kinds.
 * @param variable GRADWATCH_CAPTURE: "off", "on", or the kinds that are wanted, with commas.
 * @param wrong Told about words that mean nothing.
 */
export function resolveCapture(option: unknown, variable: string | undefined, wrong: (what: string) => void): CaptureSettings {
  const base = fromVariable(variable, wrong);
  if (option === undefined) return base;
  if (typeof option === "boolean") return all(option);
  if (typeof option !== "object" || option === null) {
    wrong(`option capture is a ${typeof option}; give it true, false or { console: false }`);
    return base;
  }
  const settings = { ...base };
  for (const [kind, on] of entriesOf(option)) {
    if (!captureKinds.includes(kind as CaptureKind))
      wrong(`option capture names ${JSON.stringify(kind)}; there are ${captureKinds.join(", ")}`);
    else settings[kind as CaptureKind] = Boolean(on);
  }
  return settings;
}

/** Getters may throw. */
function entriesOf(option: object): [string, unknown][] {
  try {
    return Object.entries(option);
  } catch {
    return [];
  }
}

function fromVariable(variable: string | undefined, wrong: (what: string) => void): CaptureSettings {
  if (variable === undefined || variable === "" || variable === "on") return all(true);
  if (variable === "off") return all(false);
  const wanted = variable.split(",").map((word) => word.trim());
  for (const word of wanted) {
    if (!captureKinds.includes(word as CaptureKind))
      wrong(`GRADWATCH_CAPTURE names ${JSON.stringify(word)}; there are ${captureKinds.join(", ")}`);
  }
  return Object.fromEntries(captureKinds.map((kind) => [kind, wanted.includes(kind)])) as CaptureSettings;
}
