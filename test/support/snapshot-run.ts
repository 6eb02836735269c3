import { DatabaseSync } from "node:sqlite";

import { VERSION } from "../../src/api/version.ts";
import { SqlEncoder } from "../../src/formats/sql/sql-encoder.ts";
import { planSqlDump } from "../../src/formats/sql/sql-plan.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import type { Catalog, Table } from "../../src/sqlite/catalog.ts";
import { CURSOR_START, type Cursor, type EncoderState } from "../../src/rpc/cursor.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { closeSnapshot } from "../../src/reading/snapshot/close-snapshot.ts";
import { openSnapshot } from "../../src/reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../src/reading/snapshot/snapshot-reader.ts";
import { toCommittedPosition } from "../../src/reading/snapshot/committed-position.ts";
import { dumpDatabase } from "./dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "./node-sqlite-source.ts";
import { oddlyNamedTable } from "./odd-names.ts";
import { WRITTEN_TABLES, type WrittenTable } from "./snapshot-schemas.ts";
import {
  CONFLICTS,
  differenceOf,
  insertSql,
  q,
  Random,
  smallPages,
  writeSql,
} from "./snapshot-writes.ts";

export interface SnapshotRun {
  /** Sentences; empty if the snapshot was correct. */
  problems: string[];
  /** For people who investigate a problem. */
  statements: string[];
  pages: number;
  writes: number;
}

const UUID = (seed: number): string => `00000000-0000-4000-8000-${String(seed).padStart(12, "0")}`;

/**
 * One random run: tables, rows, and a snapshot that is read in small pages with writes between
 * them. The dump must have the bytes of one taken at the instant of opening. The writes must have
 * the same effect as in a database without snapshot. Nothing may be left in the database.
 */
export async function runSnapshot(seed: number): Promise<SnapshotRun> {
  const random = new Random(seed);
  const tables = Array.from({ length: 1 + random.below(3) }, () =>
    random.isTrue(0.25) ? oddlyNamedTable(random) : random.of(WRITTEN_TABLES),
  ).filter((table, at, all) => all.findIndex(({ name }) => name === table.name) === at);
  const isRecursive = random.isTrue(0.3);
  // SQLite chooses which row an UPDATE meets first, and with a conflict clause that matters.
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
  const createEncoder = (table: Table, state: EncoderState) => new SqlEncoder(table, state);
  const planDump = (catalog: Catalog) => ({
    plan: planSqlDump({ catalog, source: "main", content: "all", version: VERSION }),
    createEncoder,
  });
  const opened = await openSnapshot(source, {
    snapshotId: UUID(seed),
    jobId: "job",
    undoBytesMax: 1e9,
    planDump,
    isLeftover: () => false,
    ...(random.isTrue(0.3)
      ? { manyTables: random.below(3), cheapPageBytes: random.below(2) * 30 }
      : {}),
  });
  const { plan, record } = opened;
  const dropIdle = addIdleTriggers(twin);
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
      const position = toCommittedPosition(plan, stored, checkpoint);
      checkpoint += 1;
      // An attempt that dies: its pages are thrown away, and the same chunk is read again.
      const dies = random.isTrue(0.2);
      if (random.isTrue(0.9)) await snapshot.advance(position);
      const reader = smallPages(snapshot, () => random.isTrue(smallShare));
      const chunk: Uint8Array[] = [];
      cursor = null;
      const ahead = { pagesMax: 1 + random.below(6) };
      for await (const piece of readDump({ reader, plan, createEncoder, cursor: stored, ahead })) {
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
    .prepare("SELECT name FROM sqlite_master WHERE name GLOB 'tmp_export_snapshot_0000*'")
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
 * Adds triggers that do nothing to every table. SQLite itself writes differently if there are
 * triggers: an UPDATE OR REPLACE of several rows may fail with `recursive_triggers` (3.53, November
 * 2026).
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
