// One suite, every engine: what storage promises, on the embedded engine, over HTTP and on a real ClickHouse server.

import { create } from "@bufbuild/protobuf";
import { type TensorSummary, TensorSummarySchema } from "@gradwatch/proto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Migration } from "../../server/src/storage/migrations/migration.ts";
import { migrate, migrations } from "../../server/src/storage/migrate.ts";
import { openStorage, type Storage } from "../../server/src/storage/open-storage.ts";
import { defineQuery, Integer, UInt64 } from "../../server/src/storage/query.ts";
import { type ScalarChunk, scalarColumns, scalarRows } from "../../server/src/storage/scalar-rows.ts";
import { createStore, type Store, StoreError } from "../../server/src/storage/store.ts";
import { tensorColumns, type TensorRow } from "../../server/src/storage/tensor-rows.ts";
import { engines, type EngineUnderTest } from "./engines.ts";

const month = 202611;
const patience = { timeout: 20_000 };

/** Values as bit patterns: the only comparison under which NaN payloads and -0 count. */
const storedBits = defineQuery({
  name: "stored-bits",
  sql: `SELECT toString(metric) AS metric, rank, step, time_ms, toString(reinterpretAsUInt64(value)) AS bits, toString(ver) AS ver
    FROM scalars FINAL WHERE run = {run:UInt64} ORDER BY metric, rank, step`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ metric: z.string(), rank: Integer, step: Integer, time_ms: Integer, bits: z.string(), ver: z.string() }),
});

const insertScalars = (store: Store, chunks: readonly ScalarChunk[]): Promise<void> =>
  store.insertColumns(
    "scalars",
    chunks.reduce((sum, chunk) => sum + scalarRows(chunk), 0),
    scalarColumns(month, chunks),
  );

const chunkOf = (run: bigint, ver: bigint, steps: number[], values: number[], rank = 0): ScalarChunk => ({
  run,
  rank,
  ver,
  metrics: [7n],
  steps: Float64Array.from(steps),
  times: Float64Array.from(steps, (step) => 1_700_000_000_000 + step),
  values: Float64Array.from(values),
});

const bitsOf = (value: number): string => new BigUint64Array(Float64Array.of(value).buffer)[0]?.toString() ?? "";

describe.each(engines.map((engine) => [engine.name, engine] as const))("storage on %s", (_name, engine) => {
  let under: EngineUnderTest;
  let storage: Storage;
  let unavailable: string | undefined;
  let nextRun = 1n;
  const forgetMigrations = (): Promise<void> =>
    storage.store.execute("ALTER TABLE schema_migrations DELETE WHERE number >= 900 SETTINGS mutations_sync = 1");
  const limited = (limits: { readSecondsMax: number; readRowsMax: number }): Store =>
    createStore({ address: storage.address, database: under.options.database, readBytesMax: 1e9, ...limits });

  beforeAll(async () => {
    const started = await engine.start();
    if (typeof started === "string") {
      unavailable = started;
      return;
    }
    under = started;
    storage = await openStorage(under.options);
  }, 180_000);
  afterAll(async () => {
    await storage?.close();
    await under?.stop();
  });
  beforeEach((context) => {
    if (unavailable !== undefined) context.skip(unavailable);
    nextRun += 1n;
  });

  test("it tells the room on its disk", async () => {
    const { usedBytes, freeBytes } = await storage.space();
    expect([usedBytes > 0, freeBytes > 0, usedBytes + freeBytes < 2 ** 63]).toEqual([true, true, true]);
  });

  test("a fresh database gets every migration once, and none when asked again", async () => {
    expect(storage.migrated).toEqual(migrations.map(({ number }) => number));
    expect(await migrate(storage.store, storage.store, under.options.database, Date.now())).toEqual([]);
  });

  test("several servers may migrate at once", async () => {
    const extra: Migration = {
      number: 900,
      name: "together",
      statements: ["CREATE TABLE IF NOT EXISTS together (a UInt8) ENGINE = MergeTree ORDER BY a"],
    };
    const all = [...migrations, extra];
    await Promise.all([1, 2, 3].map(() => migrate(storage.store, storage.store, under.options.database, Date.now(), all)));
    expect(await migrate(storage.store, storage.store, under.options.database, Date.now(), all)).toEqual([]);
    await forgetMigrations();
  });

  test("data of a newer release is refused in one clear line", async () => {
    await storage.store.insertRows("schema_migrations", [{ number: 901, name: "from the future", checksum: "x", applied_ms: 1 }]);
    await expect(migrate(storage.store, storage.store, under.options.database, Date.now())).rejects.toThrow(
      `the data has schema 901 (from the future), this server knows up to ${migrations.at(-1)?.number}. Start a newer Gradwatch`,
    );
    await forgetMigrations();
  });

  test("a released migration that was edited is refused", async () => {
    const edited = migrations.map((migration) => ({ ...migration, statements: [...migration.statements, "SELECT 1"] }));
    await expect(migrate(storage.store, storage.store, under.options.database, Date.now(), edited)).rejects.toThrow(/checksum/);
  });

  test("every float64 comes back bit by bit", async () => {
    const patterns = new BigUint64Array(4_000);
    const random = fc.sample(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), patterns.length);
    random.forEach((bits, i) => (patterns[i] = bits));
    const special = [
      0x7ff8000000000001n,
      0x7ff0000000000001n,
      0xfff8dead0000beefn,
      0x8000000000000000n,
      1n,
      0x7fefffffffffffffn,
      0x7ff0000000000000n,
      0xfff0000000000000n,
    ];
    special.forEach((bits, i) => (patterns[i] = bits));
    const steps = Float64Array.from(patterns, (_bits, i) => i);
    await insertScalars(storage.store, [
      { run: nextRun, rank: 3, ver: 5n, metrics: [7n], steps, times: steps, values: new Float64Array(patterns.buffer) },
    ]);
    const rows = await storage.store.read(storedBits, { run: nextRun });
    expect(rows.map((row) => row.bits)).toEqual([...patterns].map(String));
    expect(rows[17]).toMatchObject({ rank: 3, step: 17, time_ms: 17, ver: "5", metric: "7" });
  });

  test("steps and times keep every integer up to 2^53 - 1", async () => {
    const steps = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER];
    await insertScalars(storage.store, [{ ...chunkOf(nextRun, 1n, steps, steps), times: Float64Array.from(steps) }]);
    const rows = await storage.store.read(storedBits, { run: nextRun });
    expect(rows.map((row) => [row.step, row.time_ms])).toEqual(steps.map((step) => [step, step]));
  });

  test("rows sent again, in any grouping, vanish", async () => {
    const one = chunkOf(nextRun, 10n, [0, 1, 2], [1, 2, 3]);
    const two = chunkOf(nextRun, 11n, [3, 4], [4, NaN]);
    await insertScalars(storage.store, [one]);
    await insertScalars(storage.store, [one, two]);
    await insertScalars(storage.store, [two]);
    await insertScalars(storage.store, [two, one]);
    const rows = await storage.store.read(storedBits, { run: nextRun });
    expect(rows.map((row) => [row.step, row.bits])).toEqual([0, 1, 2, 3, 4].map((step) => [step, bitsOf(step === 4 ? NaN : step + 1)]));
  });

  test("the newest version wins, in whatever order it arrives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 5 }),
        fc.boolean(),
        async (versions, resend) => {
          nextRun += 1n;
          for (const ver of versions) await insertScalars(storage.store, [chunkOf(nextRun, BigInt(ver), [1], [ver])]);
          if (resend) await insertScalars(storage.store, [chunkOf(nextRun, BigInt(versions[0] as number), [1], [versions[0] as number])]);
          const rows = await storage.store.read(storedBits, { run: nextRun });
          expect(rows.map((row) => row.bits)).toEqual([bitsOf(Math.max(...versions))]);
        },
      ),
      { numRuns: 8 },
    );
  });

  test("an insert of a million rows is one part: all of it or nothing", async () => {
    const steps = Float64Array.from({ length: 1_000_000 }, (_none, i) => i);
    const run = nextRun;
    await storage.store.insertColumns(
      "scalars",
      steps.length,
      scalarColumns(190001, [{ run, rank: 0, ver: 1n, metrics: [1n], steps, times: steps, values: steps }]),
    );
    const parts = defineQuery({
      name: "parts",
      sql: `SELECT count() AS parts, sum(rows) AS total FROM system.parts WHERE database = currentDatabase() AND table = 'scalars' AND partition = '190001' AND active`,
      parameters: z.object({}),
      row: z.object({ parts: Integer, total: Integer }),
    });
    expect(await storage.store.read(parts, {})).toEqual([{ parts: 1, total: 1_000_000 }]);
  });

  test("a tensor summary comes back whole", async () => {
    const summary: TensorSummary = create(TensorSummarySchema, {
      tensor: 0,
      samples: 32n,
      count: 2n ** 63n,
      nan: 1n,
      positiveInfinity: 2n,
      negativeInfinity: 3n,
      zero: 4n,
      negative: 5n,
      positive: 6n,
      min: -1.5,
      sum: 0.25,
      sumSquares: 1e300,
      sumAbsolute: 2,
      units: 9n,
      unitsZeroSpread: 1n,
      hash: 2n ** 64n - 1n,
      histogram: { scale: -3, zeroThreshold: 1e-9, zeroCount: 4n, positive: { offset: -20 }, negative: { offset: 7 } },
      unitMeans: new Uint8Array(Float32Array.of(1, -2, NaN).buffer),
    });
    const row: TensorRow = {
      run: nextRun,
      rank: 1,
      ver: 3n,
      tensor: 8n,
      step: 4n,
      timeMs: 5n,
      summary,
      positiveCounts: [1, 0, 2 ** 53 - 1],
      negativeCounts: [],
    };
    await storage.store.insertColumns("tensors", 2, tensorColumns(month, [row, { ...row, step: 5n, negativeCounts: [7] }]));
    const stored = defineQuery({
      name: "stored-tensor",
      sql: `SELECT toString(elements) AS elements, toString(hash) AS hash, minimum, isNaN(maximum) AS no_maximum, scale, positive_offset, negative_offset,
          arrayMap(x -> toString(x), positive_counts) AS positive_counts, arrayMap(x -> toString(x), negative_counts) AS negative_counts, arrayMap(x -> toString(x), unit_means) AS unit_means, length(unit_stds) AS stds
        FROM tensors FINAL WHERE run = {run:UInt64} ORDER BY step`,
      parameters: z.object({ run: UInt64 }),
      row: z.record(z.string(), z.unknown()),
    });
    const rows = await storage.store.read(stored, { run: nextRun });
    expect(rows[0]).toMatchObject({
      elements: (2n ** 63n).toString(),
      hash: (2n ** 64n - 1n).toString(),
      minimum: -1.5,
      no_maximum: 1,
      scale: -3,
      positive_offset: -20,
      negative_offset: 7,
      positive_counts: ["1", "0", String(2 ** 53 - 1)],
      negative_counts: [],
      unit_means: ["1", "-2", "nan"],
    });
    expect(rows[1]).toMatchObject({ negative_counts: ["7"] });
  });

  test("whatever text is bound comes back as it was, and is never SQL", async () => {
    const echo = defineQuery({
      name: "echo",
      sql: `SELECT {text:String} AS text, {list:Array(String)} AS list`,
      parameters: z.object({ text: z.string(), list: z.array(z.string()) }),
      row: z.object({ text: z.string(), list: z.array(z.string()) }),
    });
    const hostile = ["'", "\\", "'; DROP TABLE scalars; --", "{text:String}", "\n\t\r", "\\N", "ünï 👩‍🔬 \u202e", "\\'\\\\'"];
    for (const text of hostile) expect(await storage.store.read(echo, { text, list: hostile })).toEqual([{ text, list: hostile }]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 50 }), async (text) => {
        // A lone surrogate is no text; NUL is refused by names long before it comes here.
        fc.pre(text.isWellFormed() && !text.includes("\0"));
        expect(await storage.store.read(echo, { text, list: [text] })).toEqual([{ text, list: [text] }]);
      }),
      { numRuns: 50 },
    );
  });

  test("ten thousand keys are bound in one read", async () => {
    const count = defineQuery({
      name: "count-keys",
      sql: "SELECT length({keys:Array(UInt64)}) AS n",
      parameters: z.object({ keys: z.array(z.bigint()) }),
      row: z.object({ n: Integer }),
    });
    const keys = Array.from({ length: 10_000 }, (_none, i) => 2n ** 64n - 1n - BigInt(i));
    expect(await storage.store.read(count, { keys })).toEqual([{ n: 10_000 }]);
  });

  test("a read cannot write, nor reach files", async () => {
    const nothing = { parameters: z.object({}), row: z.unknown() };
    for (const sql of [
      "INSERT INTO tombstones (run, time_ms) VALUES (1, 1)",
      "SELECT * FROM file('/etc/hostname', 'LineAsString')",
      "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    ]) {
      await expect(storage.store.read(defineQuery({ name: "forbidden", sql, ...nothing }), {})).rejects.toThrow(StoreError);
    }
  });

  test("a read that takes too long or too much ends with its own error code", async () => {
    const slow = defineQuery({
      name: "slow",
      sql: "SELECT count() AS n FROM numbers(1000000000000) WHERE sipHash64(number) = 1",
      parameters: z.object({}),
      row: z.unknown(),
    });
    const brief = limited({ readSecondsMax: 1, readRowsMax: 1e15 });
    await expect(brief.read(slow, {})).rejects.toMatchObject({ code: "timeout" });
    const narrow = limited({ readSecondsMax: 10, readRowsMax: 1000 });
    await expect(narrow.read(slow, {})).rejects.toMatchObject({ code: "limit" });
    await Promise.all([brief.close(), narrow.close()]);
  });

  test("a read that nobody waits for any more is killed, or ends at its time limit at the latest", async () => {
    const aborting = new AbortController();
    const marker = `needle-${nextRun}`;
    const parameters = z.object({ marker: z.string() });
    const slow = defineQuery({
      name: "slow",
      sql: "SELECT count() AS n FROM numbers(1000000000000) WHERE toString(number) = {marker:String}",
      parameters,
      row: z.unknown(),
    });
    const running = defineQuery({
      name: "running",
      sql: "SELECT count() AS n FROM system.processes WHERE query LIKE '%numbers(1000000000000)%' AND query NOT LIKE '%system.processes%'",
      parameters: z.object({}),
      row: z.object({ n: Integer }),
    });
    const count = async (): Promise<number> => (await storage.store.read(running, {}))[0]?.n ?? -1;
    const patient = limited({ readSecondsMax: 5, readRowsMax: 1e15 });
    const outcome = patient.read(slow, { marker }, { signal: aborting.signal }).then(
      () => "answered",
      (error: unknown) => error,
    );
    await expect.poll(count, patience).toBe(1);
    aborting.abort();
    expect(await outcome).toBeInstanceOf(StoreError);
    await patient.close();
    // A remote engine may not notice a closed connection: its time limit stands behind.
    await expect.poll(count, patience).toBe(0);
  });

  test("an engine that is away is `unavailable`, which callers retry", async () => {
    const nowhere = createStore({
      address: () => ({ url: "http://127.0.0.1:9", username: "x", password: "x" }),
      database: "x",
      readSecondsMax: 1,
      readRowsMax: 1,
      readBytesMax: 1,
    });
    await expect(nowhere.insertRows("scalars", [{}])).rejects.toMatchObject({ code: "unavailable" });
    expect(await nowhere.ping()).toBe(false);
    await nowhere.close();
  });

  test("rows that do not fit the table are `rejected`, which callers do not retry", async () => {
    await expect(storage.store.insertRows("metrics", [{ run: "no number" }])).rejects.toMatchObject({ code: "rejected" });
  });

  test("a table that is not there is `unavailable`: the rows are not to blame, and may be taken yet", async () => {
    await expect(storage.store.insertRows("no_such_table", [{ a: 1 }])).rejects.toMatchObject({ code: "unavailable" });
  });
});
