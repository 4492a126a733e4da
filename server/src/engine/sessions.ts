// Connections of the embedded engine, each used by one request at a time: bound parameters are state of a
// connection, and several connections on one data folder run in parallel. Readers and writers have pools of their
// own, so that a slow query never makes an insert wait.

import { Session } from "chdb";

export interface SessionPool {
  /** Runs `use` with a connection nobody else has; waits in order of arrival when all are busy. */
  with<Result>(use: (session: Session) => Promise<Result>): Promise<Result>;
  /** Closes every connection. Nothing may be running. */
  close(): void;
}

/** @throws the engine's error when the folder cannot be opened: locked, unreadable, not a directory. */
export function openSessionPool(folder: string, size: number, connectionArgs: readonly string[]): SessionPool {
  const all = Array.from({ length: size }, () => new Session(folder, { connectionArgs }));
  const idle = [...all];
  const waiting: ((session: Session) => void)[] = [];
  return {
    async with(use) {
      const session = idle.pop() ?? (await new Promise<Session>((resolve) => waiting.push(resolve)));
      try {
        return await use(session);
      } catch (error) {
        await release(session);
        throw error;
      } finally {
        const next = waiting.shift();
        if (next === undefined) idle.push(session);
        else next(session);
      }
    },
    close: () => all.forEach((session) => session.close()),
  };
}

/** A query that failed or was killed keeps its memory and its place in system.processes until the connection's next one. */
const release = (session: Session): Promise<unknown> => session.queryAsync("SELECT 1").catch(() => undefined);
