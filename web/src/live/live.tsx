// Live updates: one event stream for the whole page. Events only say what changed; the page reads it again, at most once a
// second, so that a thousand batches a second cost one request.

import { useQueryClient } from "@tanstack/react-query";
import type { LiveEvent } from "@gradwatch/server/api-types";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { getJson } from "../api/client.ts";
import { refKey } from "../routes.ts";

export type LiveState = "connecting" | "live" | "lost";

interface Live {
  readonly state: LiveState;
  /** The newest alert, for screen readers. */
  readonly announcement: string;
  /** What processes said to requests, the newest last. */
  readonly answers: readonly ControlAnswer[];
}

export type ControlAnswer = EventOf<"control">;
/** Answers kept: those to what was asked on this page, and to what others asked meanwhile. */
const ANSWERS_MAX = 200;

const LiveContext = createContext<Live>({ state: "connecting", announcement: "", answers: [] });

export const useLive = (): Live => useContext(LiveContext);

const REFRESH_INTERVAL_MS = 1_000;

type EventOf<Type extends LiveEvent["type"]> = Omit<Extract<LiveEvent, { type: Type }>, "type">;

export function LiveProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  const [announcement, setAnnouncement] = useState("");
  const [answers, setAnswers] = useState<readonly ControlAnswer[]>([]);

  useEffect(() => {
    const changedRuns = new Set<string>();
    let everything = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const refresh = (): void => {
      timer = undefined;
      const all = everything;
      const changed = new Set(changedRuns);
      everything = false;
      changedRuns.clear();
      void client.invalidateQueries({
        predicate: ({ queryKey: [scope, key] }) => all || scope !== "run" || changed.has(key as string),
      });
    };
    const soon = (): void => {
      timer ??= setTimeout(refresh, REFRESH_INTERVAL_MS);
    };

    const source = new EventSource("/api/v1/events");
    const on = <Type extends LiveEvent["type"]>(type: Type, react: (event: EventOf<Type>) => void): void =>
      source.addEventListener(type, ({ data }: MessageEvent<string>) => react(JSON.parse(data) as EventOf<Type>));

    let lost = false;
    source.addEventListener("open", () => {
      setState("live");
      // What happened meanwhile may be gone from the server's memory.
      if (lost) {
        everything = true;
        soon();
      }
      lost = false;
    });
    source.addEventListener("error", () => {
      lost = true;
      setState("lost");
      // The server answers and refuses: it does not try again. Asking who we are tells the gate if our key has ended.
      if (source.readyState === EventSource.CLOSED) void getJson("/me").catch(() => undefined);
    });
    on("points", ({ project, run }) => {
      changedRuns.add(refKey({ project, run }));
      soon();
    });
    on("run", ({ project, run }) => {
      changedRuns.add(refKey({ project, run }));
      soon();
    });
    on("incident", ({ incident }) => {
      changedRuns.add(refKey(incident));
      if (incident.state === "firing") setAnnouncement(`${incident.level} alert in ${incident.run}: ${incident.title}`);
      soon();
    });
    on("control", (answer) => setAnswers((known) => [...known, answer].slice(-ANSWERS_MAX)));
    on("lagged", () => {
      everything = true;
      soon();
    });
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [client]);

  const live = useMemo(() => ({ state, announcement, answers }), [state, announcement, answers]);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}
