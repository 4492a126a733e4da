// What users change about a run: name, tags, notes, whether it is pinned or put away; and deletion, which can be taken
// back on the spot.

import { useQueryClient } from "@tanstack/react-query";
import type { RunDetail } from "@gradwatch/server/api-types";
import { type FormEvent, type ReactNode, useState } from "react";
import { sendJson } from "../api/client.ts";
import { runHref } from "../routes.ts";

export function RunEdit({ run }: { readonly run: RunDetail }): ReactNode {
  const client = useQueryClient();
  const [said, setSaid] = useState("");
  const [isDeleted, setDeleted] = useState(false);
  const path = runHref(run);

  const send = async (method: string, address: string, body: unknown, done: string): Promise<void> => {
    try {
      await sendJson(method, address, body);
      setSaid(done);
      await client.invalidateQueries();
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  const save = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === "string" ? value : "";
    };
    const tags = text("tags")
      .split("\n")
      .map((tag) => tag.trim());
    const patch = {
      name: text("name").trim(),
      tags: tags.filter((tag) => tag !== ""),
      notes: text("notes"),
      pinned: form.has("pinned"),
      archived: form.has("archived"),
    };
    void send("PATCH", path, patch, "Saved.");
  };

  if (isDeleted) {
    const restore = (): void => void send("POST", `${path}/undelete`, undefined, "It is back.").then(() => setDeleted(false));
    return (
      <p role="status">
        Deleted.{" "}
        <button type="button" onClick={restore}>
          Bring it back
        </button>
      </p>
    );
  }
  return (
    <details className="run-edit">
      <summary>Edit</summary>
      <form onSubmit={save} key={JSON.stringify([run.name, run.tags, run.notes, run.pinned, run.archived])}>
        <label>
          Name <input name="name" defaultValue={run.name} maxLength={512} />
        </label>
        <label>
          Tags, one a line <textarea name="tags" rows={3} defaultValue={run.tags.join("\n")} />
        </label>
        <label>
          Notes <textarea name="notes" rows={3} defaultValue={run.notes} />
        </label>
        <label>
          <input type="checkbox" name="pinned" defaultChecked={run.pinned} /> Pinned: first in the list
        </label>
        <label>
          <input type="checkbox" name="archived" defaultChecked={run.archived} /> Archived: hidden from the list
        </label>
        <p>
          <button type="submit">Save</button>{" "}
          <button type="button" onClick={() => void send("DELETE", path, undefined, "").then(() => setDeleted(true))}>
            Delete the run
          </button>{" "}
          <span role="status">{said}</span>
        </p>
      </form>
    </details>
  );
}
