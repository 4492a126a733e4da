// The rules as people read about them: what the catalogue says, with the documentation page of each.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CATALOGUE } from "../detect/catalogue.ts";
import type { Rule } from "./schema.ts";

const documentationFolder = new URL("../../../docs/detectors/", import.meta.url);

export function rulePages(): Rule[] {
  return CATALOGUE.map(({ id, version, title, level, needs }) => ({
    id,
    version,
    title,
    level,
    needs: needs.map(({ anyOf }) => anyOf.join(" or ")),
    documentation: pageOf(id) ?? `# ${title}\n`,
  }));
}

/** Undefined where the server was installed without its documents. */
function pageOf(rule: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(new URL(`${rule}.md`, documentationFolder)), "utf8");
  } catch {
    return undefined;
  }
}
