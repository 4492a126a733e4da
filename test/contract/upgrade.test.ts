// What a release finds in the data of an earlier one, on every engine.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { migrate, migrations } from "../../server/src/storage/migrate.ts";
import { openStorage, type Storage } from "../../server/src/storage/open-storage.ts";
import { expiringKinds, expiringTable } from "../../server/src/storage/queries/retention.ts";
import { defineQuery, Integer } from "../../server/src/storage/query.ts";
import { createStore } from "../../server/src/storage/store.ts";
import { engines, type EngineUnderTest } from "./engines.ts";

describe.each(engines.map((engine) => [engine.name, engine] as const))("an upgrade on %s", (_name, engine) => {
  let under: EngineUnderTest;
  let storage: Storage;
  let unavailable: string | undefined;

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
  });

  test("data of a release that did not note when it was received counts as received on the day of the upgrade", async () => {
    const database = `${under.options.database}_older`;
    const older = createStore({ address: storage.address, database, readSecondsMax: 20, readRowsMax: 1e6, readBytesMax: 1e9 });
    try {
      await migrate(storage.store, older, database, Date.now(), migrations.slice(0, 3));
      for (const kind of expiringKinds) await older.insertRows(expiringTable(kind), [{ run: "1" }]);
      const day = new Date().toISOString().slice(0, 10);
      expect(await migrate(storage.store, older, database, Date.now())).toEqual(migrations.slice(3).map(({ number }) => number));
      for (const kind of expiringKinds) {
        const table = expiringTable(kind);
        const onDisk = defineQuery({
          name: "received-on-disk",
          sql: `SELECT (SELECT count() FROM system.parts_columns WHERE database = currentDatabase() AND table = '${table}' AND active
            AND column = 'received_day') AS parts, toString(any(received_day)) AS day FROM ${table}`,
          parameters: z.object({}),
          row: z.object({ parts: Integer, day: z.string() }),
        });
        await expect.poll(() => older.read(onDisk, {})).toEqual([{ parts: 1, day }]);
      }
    } finally {
      await older.execute(`DROP DATABASE IF EXISTS ${database}`);
      await older.close();
    }
  });
});
