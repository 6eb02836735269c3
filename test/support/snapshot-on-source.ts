import { SqlEncoder } from "../../src/dump/sql-encoder.ts";
import { planSqlDump } from "../../src/dump/sql-plan.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import type { Catalog, Table } from "../../src/model/catalog.ts";
import { CURSOR_START, type Cursor } from "../../src/model/cursor.ts";
import { readDump } from "../../src/source/dump-reader.ts";
import { closeSnapshot } from "../../src/source/snapshot/close-snapshot.ts";
import { committedPosition } from "../../src/source/snapshot/committed-position.ts";
import { openSnapshot } from "../../src/source/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../src/source/snapshot/snapshot-reader.ts";
import type { Source } from "../../src/source/source.ts";
import { dumpDatabase } from "./dump-database.ts";
import { differenceOf, insertSql, Random, smallPages, writeSql } from "./snapshot-run.ts";
import { WRITTEN_TABLES, type WrittenTable } from "./snapshot-schemas.ts";

const UPDATE_CONFLICTS = ["", "OR REPLACE", "OR IGNORE"];

/**
 * One random run on an empty database of the platform: tables, rows, a snapshot that is read in small
 * pages with writes between them. Gives what is wrong, in sentences: the dump must have the bytes of
 * one taken at the instant of opening, and nothing may be left behind. Writes that the database
 * refuses are as good as others.
 */
export async function runSnapshotOn(source: Source, seed: number): Promise<string[]> {
  const random = new Random(seed);
  const tables = Array.from({ length: 1 + random.below(3) }, () =>
    random.of(WRITTEN_TABLES),
  ).filter((table, at, all) => all.indexOf(table) === at);
  const run = (sql: string): Promise<unknown> => source.query({ sql }).catch(() => undefined);
  for (const sql of tables.flatMap((table) => table.script)) await source.query({ sql });
  for (let n = random.below(30); n > 0; n -= 1) await run(insertSql(random, random.of(tables)));

  const expected = (await dumpDatabase(source)).bytes;
  const found = await readSnapshot(source, { random, tables, run, seed });
  const problems: string[] = [];
  if (Buffer.compare(found, expected) !== 0) {
    problems.push(`the dump differs:\n${differenceOf(expected, found)}`);
  }
  const left = await source.query({
    sql: "SELECT name FROM sqlite_master WHERE name LIKE 'tmp\\_export%' ESCAPE '\\'",
  });
  if (left.rows.length > 0) problems.push(`left behind: ${JSON.stringify(left.rows)}`);
  return problems;
}

/** Opens a snapshot, reads it in chunks while rows are written, closes it; gives the dump. */
async function readSnapshot(
  source: Source,
  given: {
    random: Random;
    tables: WrittenTable[];
    run: (sql: string) => Promise<unknown>;
    seed: number;
  },
): Promise<Uint8Array> {
  const { random, tables, run, seed } = given;
  const { plan, record } = await openSnapshot(source, {
    snapshotId: `00000000-0000-4000-8000-${String(seed).padStart(12, "0")}`,
    jobId: "job",
    planOf: (catalog: Catalog) => planSqlDump({ catalog, source: "main", content: "all" }),
    isLeftover: () => false,
    ...(random.isTrue(0.5) ? { manyTables: 0 } : {}),
  });
  const encoderOf = (table: Table, state: number) => new SqlEncoder(table, state);
  const pieces: Uint8Array[] = [];
  let cursor: Cursor | null = CURSOR_START;
  for (let checkpoint = 0; cursor !== null; checkpoint += 1) {
    const stored: Cursor = cursor;
    const snapshot = new SnapshotReader(source, record, { undoBytesMax: 1e9 });
    const position = committedPosition(plan, stored, checkpoint);
    await snapshot.advance(position);
    const reader = smallPages(snapshot, () => random.isTrue(0.7));
    cursor = null;
    for await (const piece of readDump({ reader, plan, encoderOf, cursor: stored })) {
      pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
      for (let n = random.below(4); n > 0; n -= 1) {
        await run(writeSql(random, random.of(tables), UPDATE_CONFLICTS));
      }
      if (random.isTrue(0.3)) {
        cursor = piece.cursor;
        break;
      }
    }
    await snapshot.requireIntact(position.finished);
  }
  await closeSnapshot(source, record.snapshotId);
  return concatBytes(pieces);
}
