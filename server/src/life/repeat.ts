// Work that a server does again and again beside everything else: one round at a time, a failed one is told and tried
// again at the next turn.

export interface Repeated {
  /** No round begins any more; resolves when the one that runs is over. */
  stop(): Promise<void>;
}

/** @param round Resolves with the pause until the next one, in ms. */
export function repeat(round: () => Promise<number>, afterFailureMs: number, failed: (error: unknown) => void): Repeated {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void>;
  const next = async (): Promise<void> => {
    let pauseMs = afterFailureMs;
    try {
      pauseMs = await round();
    } catch (error) {
      if (!stopped) failed(error);
    }
    if (!stopped) timer = setTimeout(() => (running = next()), pauseMs);
  };
  running = next();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
