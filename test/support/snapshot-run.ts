import { DatabaseSync } from "node:sqlite";

import { SqlEncoder } from "../../src/dump/sql-encoder.ts";
import { planSqlDump } from "../../src/dump/sql-plan.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import type { Catalog, Table } from "../../src/model/catalog.ts";
import { CURSOR_START, type Cursor } from "../../src/model/cursor.ts";
import { ExportError } from "../../src/model/error.ts";
import { readDump } from "../../src/source/dump-reader.ts";
import { closeSnapshot } from "../../src/source/snapshot/close-snapshot.ts";
import { openSnapshot } from "../../src/source/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../src/source/snapshot/snapshot-reader.ts";
import { committedPosition } from "../../src/source/snapshot/committed-position.ts";
import type { TableReader } from "../../src/source/table-reader.ts";
import { dumpDatabase } from "./dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "./node-sqlite-source.ts";
import { WRITTEN_TABLES, type WrittenTable } from "./snapshot-schemas.ts";

/** A small generator of numbers, so that a seed says them all. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0;
    for (let warm = 0; warm < 5; warm += 1) this.next();
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  isTrue(share: number): boolean {
    return this.next() < share;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

export interface SnapshotRun {
  /** Sentences; none where the snapshot was what it has to be. */
  problems: string[];
  /** For whoever looks into a problem. */
  statements: string[];
  pages: number;
  writes: number;
}

const UUID = (seed: number): string => `00000000-0000-4000-8000-${String(seed).padStart(12, "0")}`;

/**
 * One random run: tables, rows, a snapshot that is read in small pages with writes between them.
 * The dump must have the bytes of one taken at the instant of opening; the writes must do what they
 * do in a database without snapshot; nothing may be left behind.
 */
export async function runSnapshot(seed: number): Promise<SnapshotRun> {
  const random = new Random(seed);
  const tables = Array.from({ length: 1 + random.below(3) }, () =>
    random.of(WRITTEN_TABLES),
  ).filter((table, at, all) => all.indexOf(table) === at);
  const isRecursive = random.isTrue(0.3);
  // Which row an UPDATE meets first is SQLite's choice, and with a conflict clause it matters.
  const isCompared = random.isTrue(0.5);
  const updateConflicts = isCompared ? [""] : CONFLICTS;
  const db = openPlatformDatabase();
  const twin = openPlatformDatabase();
  const statements: string[] = [];
  const problems: string[] = [];
  const both = (sql: string): void => {
    statements.push(sql);
    const outcomes = [db, twin].map((each) => outcomeOf(each, sql));
    if (isCompared && outcomes[0] !== outcomes[1]) {
      problems.push(`${sql} gives ${outcomes[0]}, and ${outcomes[1]} without a snapshot`);
    }
  };
  if (isRecursive) both("PRAGMA recursive_triggers = ON");
  for (const table of tables) for (const sql of table.script) both(sql);
  for (let n = random.below(60); n > 0; n -= 1) both(insertSql(random, random.of(tables)));

  const source = nodeSqliteSource(db);
  const expected = (await dumpDatabase(source)).bytes;
  const planOf = (catalog: Catalog) => planSqlDump({ catalog, source: "main", content: "all" });
  const opened = await openSnapshot(source, {
    snapshotId: UUID(seed),
    jobId: "job",
    planOf,
    isLeftover: () => false,
    ...(random.isTrue(0.2) ? { manyTables: 0 } : {}),
  });
  const { plan, record } = opened;
  const dropIdle = addIdleTriggers(twin);
  const encoderOf = (table: Table, state: number) => new SqlEncoder(table, state);
  const chunkShare = random.next() * 0.6;
  const smallShare = random.next();
  const busy = random.next() * 6;
  let pages = 0;
  let writes = 0;
  const write = (): void => {
    for (let n = Math.floor(random.next() * busy); n > 0; n -= 1) {
      writes += 1;
      const table = random.of(tables);
      if (random.isTrue(0.15)) writeTogether(random, { tables, updateConflicts, run: both });
      else both(writeSql(random, table, updateConflicts));
    }
  };
  const pieces: Uint8Array[] = [];
  let cursor: Cursor | null = CURSOR_START;
  let checkpoint = 0;
  try {
    while (cursor !== null) {
      const stored = JSON.parse(JSON.stringify(cursor)) as Cursor;
      const snapshot = new SnapshotReader(source, record, { undoBytesMax: 1e9 });
      const position = committedPosition(plan, stored, checkpoint);
      checkpoint += 1;
      // A try that dies: its pages are thrown away, and the same chunk is read again.
      const dies = random.isTrue(0.2);
      if (random.isTrue(0.9)) await snapshot.advance(position);
      const reader = smallPages(snapshot, () => random.isTrue(smallShare));
      const chunk: Uint8Array[] = [];
      cursor = null;
      for await (const piece of readDump({ reader, plan, encoderOf, cursor: stored })) {
        pages += 1;
        chunk.push(...piece.bytes.map((bytes) => bytes.slice()));
        write();
        if (random.isTrue(chunkShare)) {
          cursor = piece.cursor;
          break;
        }
      }
      await snapshot.requireIntact(position.finished);
      if (dies) cursor = stored;
      else pieces.push(...chunk);
    }
    const bytes = concatBytes(pieces);
    if (Buffer.compare(bytes, expected) !== 0) {
      problems.push(`the dump differs:\n${differenceOf(expected, bytes)}`);
    }
  } catch (error) {
    problems.push(`reading fails: ${error instanceof Error ? error.message : String(error)}`);
  }
  await closeSnapshot(source, record.snapshotId);
  const left = db
    .prepare("SELECT name FROM sqlite_master WHERE name LIKE 'tmp\\_export%' ESCAPE '\\'")
    .all();
  if (left.length > 0) problems.push(`left behind: ${JSON.stringify(left)}`);
  dropIdle();
  const after = (await dumpDatabase(nodeSqliteSource(db))).bytes;
  const twinAfter = (await dumpDatabase(nodeSqliteSource(twin))).bytes;
  if (isCompared && Buffer.compare(after, twinAfter) !== 0) {
    problems.push("the writes did something else than without a snapshot");
  }
  db.close();
  twin.close();
  return { problems, statements, pages, writes };
}

/**
 * Gives every table triggers that do nothing. SQLite itself writes otherwise where there are any: an
 * UPDATE OR REPLACE of several rows may fail with `recursive_triggers` (3.53, November 2026).
 */
function addIdleTriggers(db: DatabaseSync): () => void {
  const tables = db
    .prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .all()
    .map((row) => String(row["name"]));
  const events = ["BEFORE INSERT", "BEFORE UPDATE", "BEFORE DELETE"];
  const idle = tables.flatMap((table) => events.map((event) => ({ table, event })));
  for (const [at, { table, event }] of idle.entries()) {
    db.exec(`CREATE TRIGGER idle_${at} ${event} ON ${q(table)} BEGIN SELECT 1; END`);
  }
  return () => {
    for (const at of idle.keys()) db.exec(`DROP TRIGGER idle_${at}`);
  };
}

/** Reads fewer rows at once where `isSmall`: pages that are too large are read smaller. */
export function smallPages(reader: TableReader, isSmall: () => boolean): TableReader {
  let tries = 0;
  return {
    readOther: (statement) => reader.readOther(statement),
    readRows: (table, build) => {
      const isPage = table.key.length > 0 && build(() => "").length === 1;
      if (isPage && tries < 6 && isSmall()) {
        tries += 1;
        throw new ExportError("source-query-failed", "string or blob too big: SQLITE_TOOBIG");
      }
      tries = 0;
      return reader.readRows(table, build);
    },
  };
}

function outcomeOf(db: DatabaseSync, sql: string): string {
  try {
    db.exec(sql);
    if (!/^(INSERT|UPDATE|DELETE)/.test(sql)) return "done";
    const { c, i } = db.prepare("SELECT changes() AS c, last_insert_rowid() AS i").get() as {
      c: number;
      i: number;
    };
    return `${c} ${i}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const q = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function valueSql(random: Random, table?: WrittenTable, column?: string): string {
  const own = table?.values?.[column ?? ""];
  if (own !== undefined) return random.of(own);
  const small = String(random.below(9));
  return random.of([
    small,
    small,
    small,
    String(-random.below(4)),
    `${small}.0`,
    `'${small}'`,
    "'a'",
    "'A'",
    "'b'",
    "'b '",
    "NULL",
    "X'61'",
    "9007199254740993",
    `hex(zeroblob(${random.below(400)}))`,
  ]);
}

/** Integers and NULL alone: SQLite may keep the rows before one whose rowid is no integer. */
function keySql(random: Random): string {
  return random.isTrue(0.9) ? String(random.below(40) - 3) : "NULL";
}

const isKey = (column: string): boolean => ["id", "rowid", "i d"].includes(column);

function valuesSql(random: Random, table: WrittenTable, columns: string[]): string {
  const values = columns.map((column) => newValueSql(random, table, column));
  return `(${values.join(", ")})`;
}

function newValueSql(random: Random, table: WrittenTable, column: string): string {
  return isKey(column) ? keySql(random) : valueSql(random, table, column);
}

const CONFLICTS = [
  "",
  "",
  "OR REPLACE",
  "OR REPLACE",
  "OR REPLACE",
  "OR IGNORE",
  "OR FAIL",
  "OR ABORT",
];

export function insertSql(random: Random, table: WrittenTable): string {
  const columns = table.columns.filter((column) => random.isTrue(isKey(column) ? 0.6 : 0.9));
  const chosen = columns.length > 0 ? columns : table.columns;
  const rows = Array.from({ length: 1 + random.below(3) }, () => valuesSql(random, table, chosen));
  return (
    `INSERT ${random.of(CONFLICTS)} INTO ${q(table.name)}(${chosen.map(q).join(", ")}) ` +
    `VALUES ${rows.join(", ")}`
  );
}

function whereSql(random: Random, table: WrittenTable): string {
  const column = q(random.of(table.columns));
  return random.of([
    `WHERE ${column} = ${valueSql(random)}`,
    `WHERE ${column} > ${valueSql(random)}`,
    `WHERE ${column} IS NULL`,
    `WHERE ${column} IN (${valueSql(random)}, ${valueSql(random)})`,
    `WHERE ${column} = (SELECT max(${column}) FROM ${q(table.name)})`,
    "",
  ]);
}

export function writeSql(
  random: Random,
  table: WrittenTable,
  updateConflicts: readonly string[],
): string {
  const kind = random.next();
  if (kind < 0.35) return insertSql(random, table);
  if (kind < 0.45 && table.conflictTargets.length > 0) {
    const column = random.of(table.columns);
    return (
      `INSERT INTO ${q(table.name)}(${table.columns.map(q).join(", ")}) VALUES ${valuesSql(random, table, table.columns)} ` +
      `ON CONFLICT (${random.of(table.conflictTargets)}) DO UPDATE SET ${q(column)} = ${newValueSql(random, table, column)}`
    );
  }
  if (kind < 0.55) {
    const list = table.columns.map(q).join(", ");
    return `INSERT ${random.of(CONFLICTS)} INTO ${q(table.name)}(${list}) SELECT ${list} FROM ${q(table.name)} ${whereSql(random, table)}`;
  }
  if (kind < 0.85) {
    const column = random.of(table.columns);
    const other = random.of(table.columns);
    const value =
      isKey(column) || table.values?.[column] !== undefined
        ? random.of([newValueSql(random, table, column), `${q(column)} + 1`, `-${q(column)}`])
        : random.of([valueSql(random), q(other), `${q(column)} + 1`, `${q(column)} || ''`]);
    const second = random.isTrue(0.3) ? `, ${q(other)} = ${newValueSql(random, table, other)}` : "";
    return `UPDATE ${random.of(updateConflicts)} ${q(table.name)} SET ${q(column)} = ${value}${column === other ? "" : second} ${whereSql(random, table)}`;
  }
  return `DELETE FROM ${q(table.name)} ${whereSql(random, table)}`;
}

function writeTogether(
  random: Random,
  given: {
    tables: WrittenTable[];
    updateConflicts: readonly string[];
    run: (sql: string) => void;
  },
): void {
  const { tables, updateConflicts, run } = given;
  run("BEGIN");
  for (let n = 1 + random.below(4); n > 0; n -= 1) {
    run(writeSql(random, random.of(tables), updateConflicts));
  }
  run(random.isTrue(0.3) ? "ROLLBACK" : "COMMIT");
}

export function differenceOf(expected: Uint8Array, found: Uint8Array): string {
  const lines = (bytes: Uint8Array): string[] => Buffer.from(bytes).toString("utf8").split("\n");
  const [a, b] = [lines(expected), lines(found)];
  const missing = a.filter((line) => !b.includes(line)).map((line) => `- ${line.slice(0, 300)}`);
  const more = b.filter((line) => !a.includes(line)).map((line) => `+ ${line.slice(0, 300)}`);
  return [...missing.slice(0, 10), ...more.slice(0, 10)].join("\n");
}
