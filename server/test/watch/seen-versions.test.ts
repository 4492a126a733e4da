import fc from "fast-check";
import { expect, test } from "vitest";
import { createSeenVersions } from "../../src/watch/seen-versions.ts";

const arrivals = fc.array(fc.record({ rank: fc.nat(2), ver: fc.bigInt({ min: 1n, max: 60n }) }), { maxLength: 100 });

test("each batch is new once, through any number of restarts", () => {
  fc.assert(
    fc.property(arrivals, fc.nat(10), (all, restartEvery) => {
      let seen = createSeenVersions();
      const fresh: string[] = [];
      all.forEach(({ rank, ver }, i) => {
        if (i % (restartEvery + 1) === 0) seen = createSeenVersions(JSON.parse(JSON.stringify(seen.save())));
        if (seen.note(rank, ver)) fresh.push(`${rank}:${ver}`);
      });
      expect(fresh).toEqual([...new Set(all.map(({ rank, ver }) => `${rank}:${ver}`))]);
    }),
  );
});

test("the newest of a rank is its largest, whatever the order, and the least of them is where to read on", () => {
  const seen = createSeenVersions();
  expect(seen.leastNewest()).toBeUndefined();
  for (const ver of [5n, 9n, 7n]) seen.note(0, ver);
  seen.note(1, 6n);
  expect([seen.newest(0), seen.newest(1), seen.newest(2), seen.leastNewest()]).toEqual([9n, 6n, 0n, 6n]);
});

test("its memory is bounded, and the newest is never forgotten", () => {
  const seen = createSeenVersions();
  seen.note(0, 1_000_000n);
  for (let ver = 1n; ver <= 10_000n; ver++) seen.note(0, ver);
  expect(seen.newest(0)).toBe(1_000_000n);
  expect(JSON.stringify(seen.save()).length).toBeLessThan(4_000);
});
