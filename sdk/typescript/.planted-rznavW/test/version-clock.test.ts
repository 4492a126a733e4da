import fc from "fast-check";
import { expect, test } from "vitest";
import { createVersionClock } from "../src/version-clock.ts";

test("versions rise strictly, whatever the clock does, and follow it when it goes on", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000), { minLength: 1 }), (times) => {
      let now = 0;
      const clock = createVersionClock(() => now);
      let last = 0n;
      for (const time of times) {
        now = time;
        const ver = clock.next();
        expect(ver).toBeGreaterThan(last);
        expect(ver).toBeGreaterThanOrEqual(BigInt(time) * 1000n);
        last = ver;
      }
    }),
  );
});
