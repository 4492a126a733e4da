// What the server makes of how full its disk is.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createDiskWatch, type DiskWatch } from "../../src/life/disk-watch.ts";

function watched(read: () => number | "unreadable"): { watch: DiskWatch; said: string[] } {
  const said: string[] = [];
  const hear = (level: string) => (message: unknown) => void said.push(`${level} ${String(message)}`);
  const watch = createDiskWatch({
    async read() {
      const percent = read();
      if (percent === "unreadable") throw new Error("it cannot be read");
      return { usedBytes: percent * 1_000, freeBytes: (100 - percent) * 1_000 };
    },
    where: "data folder /data",
    warnPercent: 80,
    stopPercent: 95,
    log: { info: hear("info"), warn: hear("warn"), error: hear("error") } as never,
  });
  return { watch, said };
}

test.each([
  { percents: [0, 79.9], state: "ok" },
  { percents: [80], state: "low" },
  { percents: [94.9], state: "low" },
  { percents: [95], state: "full" },
  { percents: [100], state: "full" },
  { percents: [96, 94.5], state: "full" },
  { percents: [96, 93.9], state: "low" },
  { percents: [96, 94.5, 93, 94.5], state: "low" },
  { percents: [96, 10], state: "ok" },
] as const)("after $percents % it is $state", async ({ percents, state }) => {
  let now = 0;
  const { watch } = watched(() => now);
  for (const percent of percents) {
    now = percent;
    await watch.look();
  }
  expect(watch.state().state).toBe(state);
  expect(watch.state().message === undefined).toBe(state === "ok");
});

test("it says so once for every change, and what to do", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 20 }), async (percents) => {
      let now = 0;
      const { watch, said } = watched(() => now);
      await watch.look();
      let changes = 0;
      let before: string = watch.state().state;
      for (const percent of percents) {
        now = percent;
        await watch.look();
        const { state, message } = watch.state();
        if (state !== before) changes++;
        before = state;
        if (state !== "ok") expect(message).toMatch(/^the disk of data folder \/data is [\d.]+ % full; from 95 % on .*Make room/);
      }
      expect(said).toHaveLength(changes);
    }),
  );
});

test("where it cannot be read, what was last known holds", async () => {
  let now: number | "unreadable" = "unreadable";
  const { watch } = watched(() => now);
  await expect(watch.look()).rejects.toThrow("cannot be read");
  expect(watch.state()).toEqual({ state: "unknown", space: undefined, message: undefined });
  now = 96;
  await watch.look();
  now = "unreadable";
  await expect(watch.look()).rejects.toThrow("cannot be read");
  expect(watch.state().state).toBe("full");
});
