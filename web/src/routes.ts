// Addresses of the page: parsed from the browser's location, and written as links. Names may hold any character.

export interface RunRef {
  readonly project: string;
  readonly run: string;
}

export type Route =
  | { readonly page: "runs" }
  | { readonly page: "run"; readonly ref: RunRef }
  | { readonly page: "compare"; readonly refs: readonly RunRef[] }
  | { readonly page: "alerts" }
  | { readonly page: "unknown"; readonly path: string };

export function parseRoute(pathname: string, search: string): Route {
  const parts = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const [first, second, third, fourth] = parts;
  if (parts.length === 0) return { page: "runs" };
  if (first === "alerts" && parts.length === 1) return { page: "alerts" };
  if (first === "compare" && parts.length === 1) {
    return { page: "compare", refs: new URLSearchParams(search).getAll("run").flatMap(parseRef) };
  }
  if (first === "projects" && third === "runs" && second !== undefined && fourth !== undefined && parts.length === 4) {
    return { page: "run", ref: { project: second, run: fourth } };
  }
  return { page: "unknown", path: pathname };
}

export const runHref = ({ project, run }: RunRef): string => `/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}`;

export function compareHref(refs: readonly RunRef[]): string {
  const query = new URLSearchParams(refs.map((ref): [string, string] => ["run", refKey(ref)]));
  return `/compare?${query}`;
}

/** One string a run: both names percent-encoded, so that the slash between them is the only one. */
export const refKey = ({ project, run }: RunRef): string => `${encodeURIComponent(project)}/${encodeURIComponent(run)}`;

function parseRef(key: string): RunRef[] {
  const [project, run, ...rest] = key.split("/");
  return project && run && rest.length === 0 ? [{ project: decode(project), run: decode(run) }] : [];
}

/** A malformed escape stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
