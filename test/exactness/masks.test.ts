import type { DatabaseSync } from "node:sqlite";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Masks } from "../../src/api/masks.ts";
import { FORMAT_NAMES } from "../../src/api/formats.ts";
import { planDump } from "../../src/formats/plan-dump.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { SnapshotReader } from "../../src/reading/snapshot/snapshot-reader.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import { listStoredColumns, type Catalog, type Table } from "../../src/sqlite/catalog.ts";
import { classifyVirtualTable } from "../../src/sqlite/virtual-table.ts";
import { exportDatabase, randomCutting, UNCUT } from "../support/dump-database.ts";
import { freeze } from "../support/frozen-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../support/random-database.ts";
import { restoreStatements } from "../support/restore-dump.ts";

/** What no output may contain, in any case and as hex digits. */
const WORD = "Zq7secretQz";
const DIGITS = "660066123";
const BYTES = "feedc0de5ec2e7";

/** SQL of secrets of every type and length. */
const SECRETS = [
  `'${WORD}'`,
  `'${WORD}' || char(13, 10) || 'it''s "x" \\ ' || char(1, 10)`,
  `CAST(X'ff' || CAST('${WORD}' AS BLOB) || X'80c3' AS TEXT)`,
  `'${WORD}' || char(0) || '${WORD}'`,
  `replace(hex(zeroblob(4000)), '0', '${WORD}')`,
  `'${DIGITS}-${WORD}é\u{1f98b}'`,
  `X'${BYTES}'`,
  `CAST(replace(hex(zeroblob(3000)), '00', '${WORD}') AS BLOB)`,
  `${DIGITS}000000123`,
  `${DIGITS}.5`,
];

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Counts as SQLite does: a lead byte takes the continuation bytes that follow it. */
function letters(bytes: Buffer): string {
  if (bytes.includes(0)) return "x".repeat(bytes.length);
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] as number;
    text += byte >= 0x30 && byte <= 0x39 ? "0" : "x";
    at += 1;
    if (byte >= 0xc0) while (((bytes[at] ?? 0) & 0xc0) === 0x80) at += 1;
  }
  return text;
}

interface Cell {
  type: string;
  /** Bytes in hex of text and BLOBs, and the SQL literal of numbers. */
  value: string;
}

const MASKS = [
  "null",
  "length",
  { value: "free" },
  { value: 7 },
  { value: 1.5 },
  { template: "user-{rowid}@example.invalid" },
  { template: "it''s \"{rowid}\" é" },
] as const;

/** What a mask makes of a cell; `rowid` is undefined if the table has none. */
function maskCell(mask: (typeof MASKS)[number], cell: Cell, rowid: string, isReal: boolean): Cell {
  const text = (value: string): Cell => ({
    type: "text",
    value: Buffer.from(value).toString("hex").toUpperCase(),
  });
  if (mask === "null") return { type: "null", value: "NULL" };
  if (mask === "length") {
    const bytes = Buffer.from(cell.value, "hex");
    if (cell.type === "text") return text(letters(bytes));
    if (cell.type === "blob") return { type: "blob", value: "00".repeat(bytes.length) };
    if (cell.type === "integer") return { type: "integer", value: "0" };
    if (cell.type === "real") return { type: "real", value: "0.0" };
    return cell;
  }
  if ("template" in mask) return text(mask.template.replace("{rowid}", rowid));
  if (typeof mask.value === "string") return text(mask.value);
  const isInteger = Number.isInteger(mask.value) && !isReal;
  return isInteger
    ? { type: "integer", value: String(mask.value) }
    : {
        type: "real",
        value: Number.isInteger(mask.value) ? `${mask.value}.0` : String(mask.value),
      };
}

/** A table's rows in the order of its key. */
function readRows(db: DatabaseSync, table: Table): { rowid: string; cells: Map<string, Cell> }[] {
  const columns = listStoredColumns(table).map(({ name }) => name);
  const rowid = table.rowidName === undefined ? "''" : `CAST(${quoted(table.rowidName)} AS TEXT)`;
  const order = table.key.map(({ name }) => quoted(name)).join(", ");
  const rows: { rowid: string; cells: Map<string, Cell> }[] = [];
  const statement = db.prepare(
    `SELECT ${rowid} AS r FROM ${quoted(table.name)}${order === "" ? "" : ` ORDER BY ${order}`}`,
  );
  for (const { r } of statement.all()) rows.push({ rowid: String(r), cells: new Map() });
  for (const name of columns) {
    const c = quoted(name);
    const cells = db
      .prepare(
        `SELECT typeof(${c}) AS t, CASE WHEN typeof(${c}) IN ('text', 'blob') THEN hex(${c}) ELSE quote(${c}) END AS v ` +
          `FROM ${quoted(table.name)}${order === "" ? "" : ` ORDER BY ${order}`}`,
      )
      .all();
    for (const [at, { t, v }] of cells.entries()) {
      rows[at]?.cells.set(name, { type: String(t), value: String(v) });
    }
  }
  return rows;
}

function hasRows(table: Table): boolean {
  return table.kind !== "virtual" || classifyVirtualTable(table).kind === "rows";
}

/** True if `{rowid}` is a column. */
function hidesRowid(table: Table): boolean {
  return table.columns.some(({ name }) => name.toLowerCase() === "rowid");
}

/** The most masked columns of a table: a hundred with the longest names take half a minute. */
const MASKED_MAX = 20;

/** Adds masks to columns that may have one; numbers of `choices` select them. */
function chooseMasks(catalog: Catalog, choices: readonly number[]): Masks {
  let masks: Masks = {};
  let at = 0;
  for (const table of catalog.tables.filter(hasRows)) {
    for (const { name } of listStoredColumns(table)) {
      const choice = choices[at % choices.length] ?? 0;
      at += 1;
      const mask = MASKS[choice % (MASKS.length + 2)];
      if (Object.keys(masks[table.name] ?? {}).length === MASKED_MAX) break;
      if (mask === undefined || (typeof mask === "object" && hidesRowid(table))) continue;
      const more = { ...masks, [table.name]: { ...masks[table.name], [name]: mask } };
      try {
        planDump({ source: "main", format: "sql", content: "all", mask: more }, catalog);
        masks = more;
      } catch (error) {
        if ((error as { code?: string }).code !== "mask-invalid") throw error;
      }
    }
  }
  return masks;
}

/** Puts secrets into masked columns. Triggers would copy them elsewhere, so they are made again afterwards. */
function plantSecrets(db: DatabaseSync, masks: Masks, choices: readonly number[]): void {
  const triggers = db
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    .all()
    .map(({ name, sql }) => ({ name: String(name), sql: String(sql) }));
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${quoted(name)}`);
  let at = 0;
  for (const [table, columns] of Object.entries(masks)) {
    for (const column of Object.keys(columns)) {
      for (let n = 0; n < 3; n += 1) {
        const secret = SECRETS[(choices[at % choices.length] ?? 0) % SECRETS.length] ?? "NULL";
        at += 1;
        // A few long ones show as much as a thousand.
        const where = secret.includes("zeroblob")
          ? `abs(random()) % (1 + (SELECT count(*) FROM ${quoted(table)}) / 4) = 0`
          : `abs(random()) % 3 = ${n} OR ${n} = 0`;
        try {
          db.exec(
            `UPDATE OR IGNORE ${quoted(table)} SET ${quoted(column)} = ${secret} WHERE ${where}`,
          );
        } catch {
          // A rule of the table refuses this secret.
        }
      }
    }
  }
  for (const { sql } of triggers) {
    try {
      db.exec(sql);
    } catch {
      // The table has the name of a shadow table by now, so SQLite refuses triggers on it.
    }
  }
}

/** The secrets that a file contains. */
function findSecrets(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("latin1").toLowerCase();
  const asHex = Buffer.from(WORD).toString("hex");
  return [WORD.toLowerCase(), DIGITS, BYTES, asHex].filter((secret) => text.includes(secret));
}

/** The largest dump that is also read in random pieces. */
const CUT_BYTES_MAX = 300_000;

const RUNS = Number(process.env["MASK_RUNS"] ?? 40);

test.each([1, 2, 3, 4, 5])(
  `masks planted secrets in ${RUNS} random databases, and nothing else (seed %i)`,
  async (seed) => {
    let planted = 0;
    await fc.assert(
      fc.asyncProperty(
        databaseArbitrary,
        fc.array(fc.nat(999), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        async (shape, choices, cutting) => {
          const db = openPlatformDatabase();
          buildDatabase(db, scriptOf(shape));
          const catalog = await readCatalog(nodeSqliteSource(db));
          const masks = chooseMasks(catalog, choices);
          plantSecrets(db, masks, choices);
          const source = nodeSqliteSource(db);
          for (const format of FORMAT_NAMES) {
            const content = format === "sql" ? "all" : "data";
            const request = { format, content, mask: masks } as const;
            const whole = await exportDatabase(source, UNCUT, request);
            for (const { bytes } of whole.files) expect(findSecrets(bytes)).toEqual([]);
            if (format !== "sql") continue;
            const dump = whole.files[0]?.bytes ?? new Uint8Array();
            // Each slice of a long value masks all of it: a million bytes in slices of ten take minutes.
            if (dump.length <= CUT_BYTES_MAX) {
              const cut = await exportDatabase(source, randomCutting(cutting), request);
              expect(Buffer.from(cut.files[0]?.bytes ?? []).equals(dump)).toBe(true);
            }
            const restored = restoreStatements(dump);
            const again = await exportDatabase(nodeSqliteSource(restored), UNCUT, {
              isMasked: Object.keys(masks).length > 0,
            });
            expect(Buffer.from(again.files[0]?.bytes ?? []).toString("latin1")).toBe(
              Buffer.from(dump).toString("latin1"),
            );
            planted += compareMasked(catalog, masks, db, restored);
            restored.close();
          }
          db.close();
        },
      ),
      { numRuns: RUNS, seed },
    );
    expect(planted).toBeGreaterThan(RUNS);
  },
);

/** Compares every cell with what its mask makes of the source's; returns how many are masked. */
function compareMasked(
  catalog: Catalog,
  masks: Masks,
  source: DatabaseSync,
  restored: DatabaseSync,
): number {
  let masked = 0;
  for (const table of catalog.tables.filter(hasRows)) {
    const expected = readRows(source, table);
    const actual = readRows(restored, table);
    for (const row of expected) {
      for (const [name, mask] of Object.entries(masks[table.name] ?? {})) {
        const cell = row.cells.get(name);
        if (cell === undefined) continue;
        const column = table.columns.find((each) => each.name === name);
        const isReal = column?.affinity === "real";
        const keepsReals = isReal || column?.affinity === "blob";
        const made = maskCell(mask as (typeof MASKS)[number], cell, row.rowid, isReal);
        const isZero = mask === "length" && made.type === "real" && !keepsReals;
        row.cells.set(name, isZero ? { type: "integer", value: "0" } : made);
        masked += 1;
      }
    }
    expect(actual).toEqual(expected);
  }
  return masked;
}

describe("rows that a snapshot keeps", () => {
  const MASK: Masks = {
    t: { a: "length", b: { template: "{c}-{rowid}" }, d: "null" },
    u: { a: { value: "free" } },
  };
  const LONG = `replace(hex(zeroblob(6000)), '0', '${WORD}')`;

  test("are masked too, however long, and whether they change or are deleted meanwhile", async () => {
    const db = openPlatformDatabase();
    db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b, c, d);
      INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
        SELECT i, '${WORD}', '${WORD}', 'c' || i, X'${BYTES}' FROM n;
      UPDATE t SET a = ${LONG} WHERE id IN (3, 30);
      UPDATE t SET a = a || a || a || a || a WHERE id = 30;
      CREATE TABLE u(k TEXT, n INTEGER, a, PRIMARY KEY(k, n)) WITHOUT ROWID;
      INSERT INTO u SELECT 'k' || (id % 7), id, '${WORD}' FROM t;`);
    const source = nodeSqliteSource(db);
    const plan = (catalog: Catalog) =>
      planDump({ source: "main", format: "sql", content: "all", mask: MASK }, catalog);
    const [expected] = (await exportDatabase(source, UNCUT, { mask: MASK })).files;
    const opened = await freeze(source, { planDump: plan });
    db.exec(`UPDATE t SET a = '${WORD} new', b = 'new' WHERE id % 2 = 0; DELETE FROM t WHERE id % 3 = 0;
      INSERT INTO t VALUES (100, '${WORD}', 1, 2, 3); UPDATE u SET a = 'new'; DELETE FROM u WHERE n < 9`);
    const pieces: Uint8Array[] = [];
    for await (const piece of readDump({
      reader: new SnapshotReader(source, opened.record, { undoBytesMax: 1e9 }),
      ...plan(opened.catalog),
      cursor: CURSOR_START,
      firstPageRows: () => 7,
    })) {
      pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
    }
    const text = Buffer.from(concatBytes(pieces)).toString();
    expect(text).toBe(Buffer.from(expected?.bytes ?? []).toString());
    expect(findSecrets(Buffer.from(text))).toEqual([]);
    expect(text).toContain("'c30-30'");
    db.close();
  });
});

test("rebuilds the index over masked content from masked rows", async () => {
  const db = openPlatformDatabase();
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT, n);
    INSERT INTO t VALUES (1, '${WORD} one', 1), (2, 'two', 2), (3, 'three', 3);
    CREATE VIEW v AS SELECT id, body FROM t;
    CREATE VIRTUAL TABLE f USING fts5(body, content=t, content_rowid=id);
    INSERT INTO f(f) VALUES ('rebuild');
    CREATE VIRTUAL TABLE g USING fts5(body, content=v, content_rowid=id);
    INSERT INTO g(rowid, body) VALUES (1, '${WORD} one')`);
  const mask: Masks = { t: { body: { template: "masked {n}" } } };
  const { files, warnings } = await exportDatabase(nodeSqliteSource(db), UNCUT, { mask });
  const dump = files[0]?.bytes ?? new Uint8Array();
  expect(findSecrets(dump)).toEqual([]);
  expect(warnings).toEqual([
    'FTS5 table "g" is over a view, and values are masked: its restored index contains all rows of "v"',
  ]);
  const restored = restoreStatements(dump);
  const matches = (sql: string): unknown[] =>
    restored
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  expect(matches("SELECT rowid AS id FROM f WHERE f MATCH 'masked' ORDER BY rowid")).toEqual([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ]);
  expect(matches(`SELECT rowid AS id FROM f WHERE f MATCH '${WORD}'`)).toEqual([]);
  restored.close();
  db.close();
});

test("keeps the length and the places of digits of text of every kind", async () => {
  const values = ["", "0", "7", "123", "1".repeat(300), "12a", "a12", " 1", "1 2", "x".repeat(300)];
  const odd = ["310032", "ff31", "31ff", "3180", "c328", "22", "5c31", "31c3a9", "f09f988031"];
  const hex = [...values.map((value) => Buffer.from(value).toString("hex")), ...odd, "0131"];
  const db = openPlatformDatabase();
  db.exec("CREATE TABLE t(a TEXT)");
  for (const each of hex) db.exec(`INSERT INTO t VALUES (CAST(X'${each}' AS TEXT))`);
  const { files } = await exportDatabase(nodeSqliteSource(db), UNCUT, {
    mask: { t: { a: "length" } },
  });
  const restored = restoreStatements(files[0]?.bytes ?? new Uint8Array());
  const masked = restored.prepare("SELECT a FROM t ORDER BY rowid").all();
  expect(masked.map(({ a }) => a)).toEqual(hex.map((each) => letters(Buffer.from(each, "hex"))));
  restored.close();
  db.close();
});

test("masks text of a hundred thousand digits in time that grows with its length", async () => {
  const db = openPlatformDatabase();
  db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (replace(hex(zeroblob(400000)), '00', '1a'))");
  const { files } = await exportDatabase(nodeSqliteSource(db), UNCUT, {
    mask: { t: { a: "length" } },
  });
  const restored = restoreStatements(files[0]?.bytes ?? new Uint8Array());
  expect(
    restored.prepare("SELECT a = replace(hex(zeroblob(400000)), '00', '0x') AS same FROM t").get(),
  ).toEqual({ same: 1 });
  restored.close();
  db.close();
});
