// Last words: what must be done at once before the process ends, however it ends. Changes neither exit code nor what other
// listeners see; a signal that nobody else listens to still ends the process.

/** How the process ends. */
export type ProcessEnd =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "exception"; readonly error: unknown }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals };

type Task = (end: ProcessEnd) => void;

const tasks = new Set<Task>();
const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
let heardSignal: NodeJS.Signals | undefined;
let exception: { readonly error: unknown } | undefined;

/** Runs `task`, synchronously, when the process ends; returns how to take it back. */
export function atProcessEnd(task: Task): () => void {
  if (tasks.size === 0) install();
  tasks.add(task);
  return () => {
    tasks.delete(task);
    if (tasks.size === 0) uninstall();
  };
}

function runAll(end: ProcessEnd): void {
  for (const task of tasks) {
    tasks.delete(task);
    task(end);
  }
}

function onExit(code: number): void {
  if (exception !== undefined) runAll({ kind: "exception", error: exception.error });
  else if (heardSignal !== undefined) runAll({ kind: "signal", signal: heardSignal });
  else runAll({ kind: "exit", code });
}

function onException(error: unknown): void {
  exception = { error };
}

function onSignal(signal: NodeJS.Signals): void {
  // Somebody else decides what the signal means; the process may go on, or exit because of it.
  if (process.listenerCount(signal) > 1) {
    heardSignal = signal;
    return;
  }
  runAll({ kind: "signal", signal });
  uninstall();
  process.kill(process.pid, signal);
}

function install(): void {
  process.on("exit", onExit);
  // Only watches: the exception goes its way.
  process.on("uncaughtExceptionMonitor", onException);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function uninstall(): void {
  process.off("exit", onExit);
  process.off("uncaughtExceptionMonitor", onException);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
