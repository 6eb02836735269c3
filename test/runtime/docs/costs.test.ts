import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";

import { costOfExport, ROWS } from "../../../bench/costs.ts";
import { SqlEncoder } from "../../../src/formats/sql/sql-encoder.ts";
import { CURSOR_START } from "../../../src/rpc/cursor.ts";
import type { Manifest } from "../../../src/api/manifest.ts";
import { d1Source } from "../../../src/databases/d1/d1-source.ts";
import { readDump } from "../../../src/reading/dump-reader.ts";
import { durableObjectSource } from "../../../src/databases/durable-object/durable-object-source.ts";
import type { OpenedSnapshot } from "../../../src/reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../../src/reading/snapshot/snapshot-reader.ts";
import type { Source } from "../../../src/databases/source.ts";
import { api, ended, fillNoise, startExport } from "../../support/api.ts";
import { freeze } from "../../support/frozen-database.ts";

const { SHOP_DB: database } = env as unknown as { SHOP_DB: D1Database };

const ROW_COUNT = 2_000;

const SOURCES: [name: string, source: Source][] = [
  [
    "a Durable Object",
    durableObjectSource(() => env.DATABASE_DURABLE_OBJECT.getByName("costs of a snapshot")),
  ],
  ["D1", d1Source(database, "SHOP_DB")],
];

describe.each(SOURCES)("docs/limits-and-costs.md, in %s,", (_, source) => {
  const usageOf = async (sql: string): Promise<{ read: number; written: number }> => {
    const [result] = await source.transaction([{ sql }]);
    return { read: result?.rowsRead ?? 0, written: result?.rowsWritten ?? 0 };
  };

  const read = async ({
    plan,
    record,
  }: Pick<OpenedSnapshot, "plan" | "record">): Promise<{ rowsRead: number; pages: number }> => {
    const reader = new SnapshotReader(source, record, { undoBytesMax: 1e9 });
    const createEncoder = (...[table, state]: ConstructorParameters<typeof SqlEncoder>) =>
      new SqlEncoder(table, state);
    let rowsRead = 0;
    let pages = 0;
    for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
      rowsRead += piece.rowsRead;
      pages += 1;
    }
    return { rowsRead, pages };
  };

  test("says what a snapshot costs those who open it, write beside it and read it", async () => {
    for (const table of ["t(id INTEGER PRIMARY KEY, a UNIQUE)", "u(id INTEGER PRIMARY KEY, a)"]) {
      await source.query({ sql: `CREATE TABLE ${table}` });
      const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROW_COUNT})
        INSERT INTO ${table.slice(0, 1)} SELECT i, i FROM n`;
      await source.query({ sql: fill });
    }
    const change = (id: number) => `UPDATE u SET a = a + 1 WHERE id = ${id}`;
    const quiet = await usageOf(change(5));
    const { plan, record, rowsWritten } = await freeze(source);
    expect(rowsWritten).toBeLessThanOrEqual(ROWS.writtenToOpen + 2 * ROWS.writtenToWatch);

    const first = await usageOf(change(5));
    expect(first.written).toBe(quiet.written + ROWS.writtenAChange);
    expect(first.read).toBeLessThanOrEqual(quiet.read + ROWS.readAChange);
    expect((await usageOf(change(5))).written).toBe(quiet.written);

    const { rowsRead, pages } = await read({ plan, record });
    const rows = ROW_COUNT * (ROWS.readARow + ROWS.readAWrittenRow);
    expect(rowsRead).toBeGreaterThan(2 * ROW_COUNT);
    expect(rowsRead).toBeLessThanOrEqual(rows + pages * ROWS.readAPage);
  });

  test("says what a table with one key column of text costs to read", async () => {
    for (const sql of [
      "DROP TABLE IF EXISTS t",
      "DROP TABLE IF EXISTS u",
      "CREATE TABLE v(k TEXT COLLATE NOCASE PRIMARY KEY, n) WITHOUT ROWID",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROW_COUNT})
        INSERT INTO v SELECT 'key ' || i, i FROM n`,
    ]) {
      await source.query({ sql });
    }
    const { rowsRead, pages } = await read(await freeze(source, { isLeftover: () => true }));
    expect(rowsRead).toBeGreaterThanOrEqual(ROW_COUNT);
    expect(rowsRead).toBeLessThanOrEqual(ROWS.readARow * ROW_COUNT + pages * ROWS.readAKeyedPage);
  });

  test.each([
    ["one direction", "k, n"],
    ["two directions", "k, n DESC"],
  ])(
    "says what a key of several columns in %s costs to read and once it is written",
    async (_, key) => {
      for (const sql of [
        "DROP TABLE IF EXISTS t",
        "DROP TABLE IF EXISTS u",
        "DROP TABLE IF EXISTS v",
        "DROP TABLE IF EXISTS w",
        `CREATE TABLE w(k, n, PRIMARY KEY (${key})) WITHOUT ROWID`,
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROW_COUNT})
        INSERT INTO w SELECT i % 50, i FROM n`,
      ]) {
        await source.query({ sql });
      }
      const opened = await freeze(source, { isLeftover: () => true });
      const expectRowsRead = async (aRow: number): Promise<void> => {
        const { rowsRead, pages } = await read(opened);
        expect(rowsRead).toBeGreaterThan((aRow - 1) * ROW_COUNT);
        expect(rowsRead).toBeLessThanOrEqual(aRow * ROW_COUNT + pages * ROWS.readAKeyedPage);
      };
      await expectRowsRead(ROWS.readAKeyedRow);
      await source.query({ sql: "DELETE FROM w WHERE n = 7" });
      await expectRowsRead(ROWS.readAWrittenKeyedRow);
    },
  );
});

test("docs/limits-and-costs.md says what a job costs", async () => {
  const rows = 9_000;
  await fillNoise({ rows, rowBytes: 1_000 });
  const jobs = env.EXPORT_JOBS.getByName("jobs");
  const changesOfJobs = (): Promise<number> =>
    runInDurableObject(
      jobs,
      (_, { storage }) => storage.sql.exec<{ n: number }>("SELECT total_changes() AS n").one().n,
    );
  const before = await changesOfJobs();
  const { jobId, artifacts, usage } = await ended((await startExport()).jobId);
  const expected = costOfExport({
    bytes: artifacts[0]?.bytes ?? 0,
    rows,
    tables: 1,
    changedRows: 0,
    chunkBytes: 1_000_000,
    partBytes: 5 * 1024 * 1024,
  });
  expect(usage.r2ClassAOperations).toBe(expected.r2ClassAOperations);
  const manifest = await (await api(`/export/dump/${jobId}/manifest`)).json<Manifest>();
  const chunks = manifest.artifacts.flatMap((artifact) => artifact.chunks);
  expect(usage.steps).toBe(chunks.length + expected.steps - expected.chunks);
  // A chunk is as long as it should be, or longer by what its last page had.
  expect(chunks.length).toBeLessThanOrEqual(expected.chunks);
  expect(usage.rowsRead).toBeGreaterThanOrEqual(rows);
  expect(usage.rowsRead).toBeLessThanOrEqual(expected.rowsRead);
  const written = usage.rowsWritten + (await changesOfJobs()) - before;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThanOrEqual(expected.rowsWritten);
});
