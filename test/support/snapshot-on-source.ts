import { VERSION } from "../../src/api/version.ts";
import { SqlEncoder } from "../../src/formats/sql/sql-encoder.ts";
import { planSqlDump } from "../../src/formats/sql/sql-plan.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import type { Catalog, Table } from "../../src/sqlite/catalog.ts";
import { CURSOR_START, type Cursor, type EncoderState } from "../../src/rpc/cursor.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { closeSnapshot } from "../../src/reading/snapshot/close-snapshot.ts";
import { toCommittedPosition } from "../../src/reading/snapshot/committed-position.ts";
import { openSnapshot } from "../../src/reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../src/reading/snapshot/snapshot-reader.ts";
import type { Source } from "../../src/databases/source.ts";
import { dumpDatabase } from "./dump-database.ts";
import type { SnapshotCorrection } from "./snapshot-corrections.ts";
import { WRITTEN_TABLES } from "./snapshot-schemas.ts";
import { differenceOf, insertSql, Random, smallPages, writeSql } from "./snapshot-writes.ts";

const UPDATE_CONFLICTS = ["", "OR REPLACE", "OR IGNORE"];

/**
 * One random run on an empty database of the platform: tables, rows, and a snapshot that is read in
 * small pages with writes between them. Returns what is wrong, in sentences: the dump must have the
 * bytes of one taken at the instant of opening, and nothing may be left in the database. Writes
 * that the database refuses are as good as others; `writes` counts the accepted ones.
 */
export async function runSnapshotOn(
  source: Source,
  seed: number,
): Promise<{ problems: string[]; writes: number }> {
  const random = new Random(seed);
  const tables = Array.from({ length: 1 + random.below(3) }, () =>
    random.of(WRITTEN_TABLES),
  ).filter((table, at, all) => all.indexOf(table) === at);
  let writes = 0;
  const write = async (sql: string): Promise<void> => {
    try {
      await source.query({ sql });
      writes += 1;
    } catch {
      // The database refused it.
    }
  };
  for (const sql of tables.flatMap((table) => table.script)) await source.query({ sql });
  for (let n = random.below(30); n > 0; n -= 1) await write(insertSql(random, random.of(tables)));
  writes = 0;
  const problems = await problemsOf(source, {
    snapshotId: `00000000-0000-4000-8000-${String(seed).padStart(12, "0")}`,
    watchesAll: random.isTrue(0.5),
    isSmall: () => random.isTrue(0.7),
    isChunkEnd: () => random.isTrue(0.3),
    betweenPages: async () => {
      for (let n = random.below(4); n > 0; n -= 1) {
        await write(writeSql(random, random.of(tables), UPDATE_CONFLICTS));
      }
    },
  });
  return { problems, writes };
}

/**
 * One of the named corrections on an empty database of the platform; returns what is wrong, in
 * sentences.
 */
export async function runCorrectionOn(
  source: Source,
  { script, writes }: SnapshotCorrection,
): Promise<string[]> {
  await source.query({ sql: script });
  return problemsOf(source, {
    snapshotId: "00000000-0000-4000-8000-000000000001",
    watchesAll: true,
    isSmall: () => false,
    isChunkEnd: () => false,
    afterOpening: async () => {
      for (const sql of writes) await source.query({ sql });
    },
  });
}

interface Reading {
  snapshotId: string;
  /** Small tables are watched like the others, not copied at opening. */
  watchesAll: boolean;
  isSmall: () => boolean;
  isChunkEnd: () => boolean;
  afterOpening?: () => Promise<void>;
  betweenPages?: () => Promise<void>;
}

async function problemsOf(source: Source, reading: Reading): Promise<string[]> {
  const expected = (await dumpDatabase(source)).bytes;
  const found = await readSnapshot(source, reading);
  const problems: string[] = [];
  if (Buffer.compare(found, expected) !== 0) {
    problems.push(`the dump differs:\n${differenceOf(expected, found)}`);
  }
  const left = await source.query({
    sql: "SELECT name FROM sqlite_master WHERE name GLOB 'tmp_export_snapshot_0000*'",
  });
  if (left.rows.length > 0) problems.push(`left behind: ${JSON.stringify(left.rows)}`);
  return problems;
}

/** Opens a snapshot, reads it in chunks while rows are written, and closes it; returns the dump. */
async function readSnapshot(source: Source, reading: Reading): Promise<Uint8Array> {
  const createEncoder = (table: Table, state: EncoderState) => new SqlEncoder(table, state);
  const { plan, record } = await openSnapshot(source, {
    snapshotId: reading.snapshotId,
    jobId: "job",
    undoBytesMax: 1e9,
    planDump: (catalog: Catalog) => ({
      plan: planSqlDump({ catalog, source: "main", content: "all", version: VERSION }),
      createEncoder,
    }),
    isLeftover: () => false,
    ...(reading.watchesAll ? {} : { manyTables: 0 }),
  });
  await reading.afterOpening?.();
  const pieces: Uint8Array[] = [];
  let cursor: Cursor | null = CURSOR_START;
  for (let checkpoint = 0; cursor !== null; checkpoint += 1) {
    const stored: Cursor = cursor;
    const snapshot = new SnapshotReader(source, record, { undoBytesMax: 1e9 });
    const position = toCommittedPosition(plan, stored, checkpoint);
    await snapshot.advance(position);
    const reader = smallPages(snapshot, reading.isSmall);
    cursor = null;
    const ahead = { pagesMax: 1 + (checkpoint % 5) };
    for await (const piece of readDump({ reader, plan, createEncoder, cursor: stored, ahead })) {
      pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
      await reading.betweenPages?.();
      if (reading.isChunkEnd()) {
        cursor = piece.cursor;
        break;
      }
    }
    await snapshot.requireIntact(position.finished);
  }
  await closeSnapshot(source, record.snapshotId);
  return concatBytes(pieces);
}
