// One line under the navigation while the server's disk is nearly full: on every page, because it concerns every run.

import type { ReactNode } from "react";
import { useServer } from "../api/queries.ts";

export function ServerNotice(): ReactNode {
  const { data } = useServer();
  if (data === undefined || data.disk.message === null) return null;
  const { state, message } = data.disk;
  return (
    <p className={`server-notice server-notice-${state}`} role="status" data-testid="server-notice" data-state={state}>
      {state === "full" ? "No new data is taken: " : "The server is short of room: "}
      {message}
    </p>
  );
}
