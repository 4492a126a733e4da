// A ClickHouse that refuses inserts, commits them and says that it did not, breaks off, and is away: the server tries again until
// everything is stored once, and no batch is rejected for what is not its fault.

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { startServer } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { type ClickHouseFault, type Refusal, startClickHouseProxy } from "./clickhouse-proxy.ts";
import { startProducers, wrongIn } from "./producers.ts";
import { startSharedEngine } from "./shared-engine.ts";
import { faultSeed } from "./stored-through-kills.ts";

const REFUSALS = process.env["GRADWATCH_TEST_LONG"] === "1" ? 2_000 : 90;
const SHARE_REFUSED = 0.25;
const ABSENCES = 3;
const ABSENCE_MS = 800;

/** What has nothing to do with the rows: each passes, or an administrator ends it. */
const passing: readonly ClickHouseFault[] = [
  { code: 252, type: "TOO_MANY_PARTS" },
  { code: 241, type: "MEMORY_LIMIT_EXCEEDED" },
  { code: 173, type: "CANNOT_ALLOCATE_MEMORY" },
  { code: 202, type: "TOO_MANY_SIMULTANEOUS_QUERIES" },
  { code: 201, type: "QUOTA_EXCEEDED" },
  { code: 439, type: "CANNOT_SCHEDULE_TASK" },
  { code: 159, type: "TIMEOUT_EXCEEDED" },
  { code: 209, type: "SOCKET_TIMEOUT" },
  { code: 394, type: "QUERY_WAS_CANCELLED" },
  { code: 236, type: "ABORTED" },
  { code: 243, type: "NOT_ENOUGH_SPACE" },
  { code: 75, type: "CANNOT_WRITE_TO_FILE_DESCRIPTOR" },
  { code: 76, type: "CANNOT_OPEN_FILE" },
  { code: 1001, type: "STD_EXCEPTION" },
  { code: 242, type: "TABLE_IS_READ_ONLY" },
  { code: 164, type: "READONLY" },
  { code: 999, type: "KEEPER_EXCEPTION" },
  { code: 285, type: "TOO_FEW_LIVE_REPLICAS" },
  { code: 319, type: "UNKNOWN_STATUS_OF_INSERT" },
  { code: 516, type: "AUTHENTICATION_FAILED" },
  { code: 497, type: "ACCESS_DENIED" },
  { code: 60, type: "UNKNOWN_TABLE" },
  { code: 81, type: "UNKNOWN_DATABASE" },
];
/** Those that ClickHouse also tells when the rows are in. */
const afterCommit = new Set([159, 209, 394, 236, 285, 319, 999]);

const refusals: readonly Refusal[] = [
  ...passing.map((error) => ({ kind: "refused", error }) as const),
  ...passing.filter(({ code }) => afterCommit.has(code)).map((error) => ({ kind: "refused after commit", error }) as const),
  { kind: "silent after commit" },
];

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

test(
  `${REFUSALS} inserts refused before and after they were committed, and ClickHouse away ${ABSENCES} times`,
  { timeout: 1_800_000 },
  async () => {
    const seed = faultSeed(3);
    const random = seededRandom(seed);
    let met = 0;
    const engine = await startSharedEngine();
    opened.push(() => engine.stop());
    let refusing = false;
    const proxy = await startClickHouseProxy(engine.url, () =>
      // In turn, so that each is met.
      refusing && random.uniform() < SHARE_REFUSED ? refusals[met++ % refusals.length] : undefined,
    );
    opened.push(() => proxy.close());
    const server = await startServer({ environment: engine.environment(proxy.url) });
    opened.push(() => server.dispose());
    const producers = await startProducers({ url: server.grpc(), processes: 2, runsEach: 3, seed });
    opened.push(() => producers.dispose());

    refusing = true;
    for (let part = 1; part <= ABSENCES; part++) {
      await expect.poll(() => met, { timeout: 600_000, interval: 20 }).toBeGreaterThan((REFUSALS * part) / ABSENCES);
      await proxy.away();
      await delay(ABSENCE_MS);
      await proxy.back();
    }
    proxy.heal();
    const logged = await producers.finish();
    await server.kill();
    const storage = await engine.open();
    try {
      expect(await wrongIn(storage.store, logged), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
    } finally {
      await storage.close();
    }
    expect(proxy.refused.size).toBe(refusals.length);
  },
);
