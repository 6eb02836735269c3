import type { DatabaseSync } from "node:sqlite";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { Masks } from "../../src/api/masks.ts";
import type { ExportFormat } from "../../src/api/export-request.ts";
import { FORMAT_NAMES } from "../../src/api/formats.ts";
import { planDump } from "../../src/formats/plan-dump.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { listStoredColumns, type Catalog, type Table } from "../../src/sqlite/catalog.ts";
import { classifyVirtualTable } from "../../src/sqlite/virtual-table.ts";
import { exportDatabase, randomCutting, UNCUT } from "../support/dump-database.ts";
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

/** Adds masks to columns that may have one; numbers of `choices` select them. */
function chooseMasks(catalog: Catalog, choices: readonly number[]): Masks {
  let masks: Masks = {};
  let at = 0;
  for (const table of catalog.tables.filter(hasRows)) {
    for (const { name } of listStoredColumns(table)) {
      const choice = choices[at % choices.length] ?? 0;
      at += 1;
      const mask = MASKS[choice % (MASKS.length + 2)];
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
        try {
          db.exec(
            `UPDATE OR IGNORE ${quoted(table)} SET ${quoted(column)} = ${secret} WHERE abs(random()) % 3 = ${n} OR ${n} = 0`,
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

const RUNS = Number(process.env["MASK_RUNS"] ?? 200);

test(`masks planted secrets in ${RUNS} random databases, and nothing else`, async () => {
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
        for (const format of FORMAT_NAMES as readonly ExportFormat[]) {
          const content = format === "sql" ? "all" : "data";
          const request = { format, content, mask: masks } as const;
          const whole = await exportDatabase(source, UNCUT, request);
          for (const { bytes } of whole.files) expect(findSecrets(bytes)).toEqual([]);
          const cut = await exportDatabase(source, randomCutting(cutting), request);
          for (const [at, { bytes }] of cut.files.entries()) {
            expect(Buffer.from(bytes).equals(whole.files[at]?.bytes ?? Buffer.alloc(0))).toBe(true);
          }
          if (format !== "sql") continue;
          const dump = whole.files[0]?.bytes ?? new Uint8Array();
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
    { numRuns: RUNS, seed: 20_261_129, endOnFailure: true },
  );
  expect(planted).toBeGreaterThan(RUNS);
});

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
