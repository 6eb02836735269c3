import { expect, test } from "vitest";

import { planDump } from "../formats/plan-dump.ts";
import { concatBytes } from "../lib/bytes.ts";
import { ExportError } from "../api/errors.ts";
import { digestCatalog } from "../reading/read-catalog.ts";
import { closeSnapshot } from "../reading/snapshot/close-snapshot.ts";
import { openSnapshot } from "../reading/snapshot/open-snapshot.ts";
import type { Source } from "../databases/source.ts";
import { readStream } from "./read-stream.ts";
import { dumpDatabase } from "../../test/support/dump-database.ts";
import { snapshotObjects } from "../../test/support/frozen-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../test/support/node-sqlite-source.ts";
import { differenceOf, insertSql, Random, writeSql } from "../../test/support/snapshot-writes.ts";
import { WRITTEN_TABLES } from "../../test/support/snapshot-schemas.ts";

/** A source that finds pages too large now and then, so that they are read smaller. */
function choosy(source: Source, isTooBig: () => boolean): Source {
  return {
    ...source,
    transaction: async (statements) => {
      // A page's limit is bound, behind what its key is compared with.
      const limits = statements.map(({ sql, params = [] }) =>
        / LIMIT \?\d+ \+ 0\)$/.test(sql) ? Number(params.at(-1)) : 0,
      );
      // A table without a key is read whole, and a row cell by cell is never too large here.
      if (limits.some((rows) => rows > 1 && rows < 1_000) && isTooBig()) {
        throw new ExportError("source-query-failed", "string or blob too big: SQLITE_TOOBIG");
      }
      return source.transaction(statements);
    },
  };
}

/** A stream of random tables, written between any two of its texts; what differs, and how long it was. */
async function runStream(seed: number): Promise<{ difference: string; texts: number }> {
  const random = new Random(seed);
  const tables = [...new Set([1, 2, 3].map(() => random.of(WRITTEN_TABLES)))];
  const db = openPlatformDatabase();
  const run = (sql: string): void => {
    try {
      db.exec(sql);
    } catch {
      // A write that the schema refuses.
    }
  };
  for (const table of tables) for (const sql of table.script) run(sql);
  for (let n = 20 + random.below(60); n > 0; n -= 1) run(insertSql(random, random.of(tables)));
  const source = choosy(nodeSqliteSource(db), () => random.isTrue(0.7));
  const expected = (await dumpDatabase(nodeSqliteSource(db))).bytes;
  const request = { source: "main", format: "sql", content: "all", tables: {} } as const;
  const opened = await openSnapshot(source, {
    snapshotId: crypto.randomUUID(),
    jobId: "stream",
    undoBytesMax: 1e9,
    planDump: (catalog) => planDump(request, catalog),
    isLeftover: () => false,
  });
  const texts: Uint8Array[] = [];
  const reading = readStream({
    source,
    planDump: (catalog) => planDump(request, catalog),
    record: opened.record,
    undoBytesMax: 1e9,
    catalogDigest: await digestCatalog(opened.catalog),
    chunkBytes: random.below(2_000),
    pagesAhead: 1 + random.below(4),
  });
  for await (const text of reading) {
    texts.push(text);
    for (let n = random.below(8); n > 0; n -= 1) run(writeSql(random, random.of(tables), [""]));
  }
  await closeSnapshot(source, opened.record.snapshotId);
  const bytes = concatBytes(texts);
  const isSame = Buffer.compare(bytes, expected) === 0 && snapshotObjects(db).length === 0;
  db.close();
  return {
    difference: isSame ? "" : `differs: ${differenceOf(expected, bytes)}`,
    texts: texts.length,
  };
}

const RUNS = 200;

test(`${RUNS} streams of databases that are written meanwhile are of their first instant`, async () => {
  let texts = 0;
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const stream = await runStream(seed);
    expect([seed, stream.difference]).toEqual([seed, ""]);
    texts += stream.texts;
  }
  expect(texts).toBeGreaterThan(RUNS * 10);
});
