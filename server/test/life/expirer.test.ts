// Retention: what a project keeps no longer leaves the disk, what is known of it stays, and pinned runs stay whole.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { RunPage } from "../../src/api/schema-runs.ts";
import { Retention } from "../../src/api/schema-storage.ts";
import { RunDetail } from "../../src/api/schema.ts";
import { createExpirer } from "../../src/life/expirer.ts";
import { dayOf } from "../../src/life/removal-row.ts";
import { expiringKinds, expiringTable, type ExpiringKind } from "../../src/storage/queries/retention.ts";
import { defineQuery, Integer } from "../../src/storage/query.ts";
import type { Store } from "../../src/storage/store.ts";
import { metricKey } from "../../src/storage/keys.ts";
import { type ApiUnderTest, apiUnderTest, host, insertHeartbeat, insertPoints, insertRun, keyOf, startMs } from "../api/api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const dayMs = 86_400_000;
const quiet = { info: () => undefined };
const expirer = (store: Store = under.store): (() => Promise<number>) =>
  createExpirer({ store, nowMs: () => startMs, log: quiet, removed: () => undefined });
async function untilNothingExpires(...expirers: readonly (() => Promise<number>)[]): Promise<void> {
  await expect.poll(async () => (await Promise.all(expirers.map((expire) => expire()))).reduce((sum, left) => sum + left, 0)).toBe(0);
}

async function change(project: string, body: unknown): Promise<Response> {
  const url = `http://${host}/api/v1/projects/${project}/retention`;
  const headers = { "content-type": "application/json" };
  return await under.api.request(url, { method: "PATCH", headers, body: JSON.stringify(body) });
}

const pin = (project: string, run: string, pinned: boolean): Promise<Response> =>
  Promise.resolve(
    under.api.request(`http://${host}/api/v1/projects/${project}/runs/${run}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ pinned }),
    }),
  );

/** A row received so many days ago. */
async function insertReceived(ref: { project: string; run: string }, kind: ExpiringKind, daysAgo: number, step = 0): Promise<void> {
  const row = { run: keyOf(ref).toString(), ver: "1", received_day: dayOf(startMs - daysAgo * dayMs) };
  const more: Readonly<Record<ExpiringKind, object>> = {
    scalars: { metric: metricKey("loss").toString(), step, value: daysAgo },
    tensors: { tensor: "7", step },
    images: { name: "i", step },
    console: { sequence: step },
  };
  await under.store.insertRows(expiringTable(kind), [{ ...row, ...more[kind] }]);
}

const rowsOf = (kind: ExpiringKind) =>
  defineQuery({
    name: "rows-of",
    sql: `SELECT toString(run) AS run, count() AS rows FROM ${expiringTable(kind)} GROUP BY run`,
    parameters: z.object({}),
    row: z.object({ run: z.string(), rows: Integer }),
  });

/** Runs that have rows of each kind. */
async function kept(): Promise<Set<string>> {
  const all = await Promise.all(
    expiringKinds.map(async (kind) => (await under.store.read(rowsOf(kind), {})).map(({ run }) => `${kind} ${run}`)),
  );
  return new Set(all.flat());
}

test("of any runs and settings, a kind expires as a whole when nothing of it was received for so long, unless the run is pinned", async () => {
  let round = 0;
  const days = fc.option(fc.constantFrom(1, 7, 30));
  const ages = fc.array(fc.constantFrom(0, 1, 2, 7, 8, 30, 31, 400), { minLength: 1, maxLength: 3 });
  const perKind = <Value>(value: fc.Arbitrary<Value>) => fc.record({ scalars: value, tensors: value, images: value, console: value });
  const drawnRun = fc.record({ pins: fc.array(fc.boolean(), { maxLength: 2 }), ages: perKind(ages), inOther: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(perKind(days), fc.array(drawnRun, { minLength: 1, maxLength: 4 }), async (settings, drawn) => {
      round++;
      const project = `any-${round}`;
      expect((await change(project, settings)).status).toBe(200);
      const expired = new Set<string>();
      for (const [i, { pins, ages: agesOf, inOther }] of drawn.entries()) {
        const ref = { project: inOther ? `without-settings-${round}` : project, run: `r${i}` };
        await insertRun(under.store, ref);
        for (const kind of expiringKinds) for (const [step, age] of agesOf[kind].entries()) await insertReceived(ref, kind, age, step);
        for (const pinned of pins) await pin(ref.project, ref.run, pinned);
        if (inOther || pins.at(-1) === true) continue;
        for (const kind of expiringKinds) {
          if (settings[kind] !== null && Math.min(...agesOf[kind]) > settings[kind]) expired.add(`${kind} ${keyOf(ref)}`);
        }
      }
      const before = await kept();
      await untilNothingExpires(expirer(), expirer());
      expect(await kept()).toEqual(new Set([...before].filter((place) => !expired.has(place))));
    }),
    { numRuns: 6 },
  );
});

describe("a run whose scalars expired", () => {
  const ref = { project: "sealed", run: "r" };
  const detail = (): Promise<RunDetail> => under.get(`/api/v1/projects/${ref.project}/runs/${ref.run}`, RunDetail);
  const listed = async (filter: string): Promise<string[]> =>
    (await under.get(`/api/v1/projects/${ref.project}/runs?${new URLSearchParams({ filter })}`, RunPage)).runs.map(({ run }) => run);
  const whole = "summary.loss.min = 2 and summary.loss.count = 3 and summary.loss.last = 5 and summary.loss.first = 9 and step = 2";

  beforeAll(async () => {
    await insertRun(under.store, ref);
    await insertHeartbeat(under.store, ref, startMs - 100 * dayMs);
    await insertPoints(under.store, ref, [{ metric: "loss", steps: [0], values: [9] }]);
    for (const [step, value] of [
      [0, 9],
      [1, 2],
      [2, 5],
    ] as const) {
      const row = { run: keyOf(ref).toString(), metric: metricKey("loss").toString(), ver: "2", step, value };
      await under.store.insertRows("scalars", [{ ...row, month: 202510, received_day: dayOf(startMs - 100 * dayMs) }]);
    }
    await under.store.change(
      {
        name: "received-long-ago",
        sql: `ALTER TABLE scalars UPDATE received_day = toDate({day:String}) WHERE run = {run:UInt64} SETTINGS mutations_sync = 1`,
        parameters: z.object({ day: z.string(), run: z.bigint() }),
      },
      { day: dayOf(startMs - 100 * dayMs), run: keyOf(ref) },
    );
    await under.summarize();
    await change(ref.project, { scalars: 90 });
  });

  test("keeps its summary, wherever it is cut off, and though the table of summaries is made again", async () => {
    expect(await listed(whole)).toEqual(["r"]);
    for (let statements = 0; statements < 3; statements++) {
      let left = statements;
      const cut = (): void => {
        if (left-- <= 0) throw new Error("killed");
      };
      const dying: Store = {
        ...under.store,
        insertRows: async (...given) => {
          cut();
          await under.store.insertRows(...given);
        },
        change: async (...given) => {
          cut();
          await under.store.change(...given);
        },
      };
      await expect(expirer(dying)()).rejects.toThrow("killed");
    }
    // Half of it is gone when the row is made again.
    await under.store.change(
      {
        name: "half-gone",
        sql: `ALTER TABLE scalars DELETE WHERE run = {run:UInt64} AND step < 2 SETTINGS mutations_sync = 1`,
        parameters: z.object({ run: z.bigint() }),
      },
      { run: keyOf(ref) },
    );
    await under.summarize();
    expect(await listed(whole)).toEqual(["r"]);
    await untilNothingExpires(expirer());
    expect(await kept()).not.toContain(`scalars ${keyOf(ref)}`);
    await under.store.execute("TRUNCATE TABLE run_summaries");
    await under.summarize();
    expect(await listed(whole)).toEqual(["r"]);
    expect(await detail()).toMatchObject({ stepMax: 2, summary: { loss: 5 } });
  });

  test("takes what comes late, which expires in its turn; a metric that is logged again is summarised from its points", async () => {
    await insertPoints(under.store, ref, [
      { metric: "loss", steps: [7], values: [1] },
      { metric: "new", steps: [1], values: [4] },
    ]);
    await under.summarize();
    expect(await listed("summary.loss.last = 1 and summary.loss.count = 1 and summary.new.last = 4 and step = 7")).toEqual(["r"]);
    expect(await detail()).toMatchObject({ stepMax: 7, summary: { loss: 1, new: 4 } });
    await untilNothingExpires(expirer());
    expect(await kept()).toContain(`scalars ${keyOf(ref)}`);
  });
});

describe("the setting", () => {
  const read = (project: string): Promise<Retention> => under.get(`/api/v1/projects/${project}/retention`, Retention);
  const daysOf = ({ kinds }: Retention): Record<string, number | null> => Object.fromEntries(kinds.map(({ kind, days }) => [kind, days]));

  test("is for ever until somebody changes it; of each kind the last word counts", async () => {
    expect(daysOf(await read("fresh"))).toEqual({ scalars: null, tensors: null, images: null, console: null });
    await change("fresh", { images: 30, console: 7 });
    await change("fresh", { images: 60 });
    // The same moment of the injected clock.
    await change("fresh", { console: null, tensors: 1 });
    expect(daysOf(await read("fresh"))).toEqual({ scalars: null, tensors: 1, images: 60, console: null });
    expect((await read("fresh")).kinds[2]).toMatchObject({ kind: "images", changedBy: "everybody", changedAt: startMs + 1 });
    expect(daysOf(await read("another"))).toEqual({ scalars: null, tensors: null, images: null, console: null });
  });

  test.each([
    { body: {}, says: "name one of scalars, tensors, images, console" },
    { body: { scalars: 0 }, says: "scalars: at least 1 day" },
    { body: { scalars: 36_501 }, says: "scalars: at most 36500 days" },
    { body: { images: 1.5 }, says: "images: whole days" },
    { body: { events: 3 }, says: "events" },
  ])("$body is refused: $says", async ({ body, says }) => {
    const headers = { "content-type": "application/json" };
    const problem = await under.problem("/api/v1/projects/p/retention", { method: "PATCH", headers, body: JSON.stringify(body) });
    expect(problem).toMatchObject({ status: 400, detail: expect.stringContaining(says) as string });
  });
});
