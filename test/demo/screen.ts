// Where the demo writes: on a terminal the progress stays below the text and is drawn over; elsewhere only whole lines,
// and progress now and then.

import { createLogUpdate } from "log-update";

export interface Screen {
  write(text: string): void;
  progress(lines: readonly string[]): void;
  /** Removes the progress. */
  end(): void;
}

const PLAIN_INTERVAL_MS = 5_000;

export function openScreen(stream: NodeJS.WriteStream, nowMs: () => number): Screen {
  if (!stream.isTTY) return plainScreen(stream, nowMs);
  const update = createLogUpdate(stream);
  let last = "";
  return {
    write(text) {
      update.clear();
      stream.write(`${text}\n`);
      update(last);
    },
    progress(lines) {
      last = lines.join("\n");
      update(last);
    },
    end() {
      last = "";
      update.clear();
      update.done();
    },
  };
}

function plainScreen(stream: NodeJS.WriteStream, nowMs: () => number): Screen {
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    write: (text) => void stream.write(`${text}\n`),
    progress(lines) {
      if (nowMs() - lastMs < PLAIN_INTERVAL_MS) return;
      lastMs = nowMs();
      stream.write(`${lines.join("\n")}\n`);
    },
    end: () => undefined,
  };
}
