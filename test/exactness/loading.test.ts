import type { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { comparisonOf } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { loadDump, type Loading } from "../support/load-dump.ts";
import { NAME_TRAPS } from "../support/name-traps.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../support/random-database.ts";
import { TRAPS } from "../support/traps.ts";

function databaseOf(script: readonly string[]): DatabaseSync {
  const db = openPlatformDatabase();
  for (const statement of script) db.exec(statement);
  return db;
}

/** An empty database that enforces foreign keys, as the platform does. */
function emptyDatabase(): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec("PRAGMA foreign_keys = ON");
  return db;
}

async function findDifferences(
  source: DatabaseSync,
  loading?: Partial<Loading>,
): Promise<string[]> {
  const dump = await dumpDatabase(nodeSqliteSource(source));
  const target = emptyDatabase();
  await loadDump(nodeSqliteSource(target), dump.bytes, loading);
  const again = await dumpDatabase(nodeSqliteSource(target));
  const differences = compareDatabases(source, target, comparisonOf(dump));
  if (Buffer.compare(dump.bytes, again.bytes) !== 0) differences.push("the second dump differs");
  target.close();
  return differences;
}

test.each([...TRAPS, ...NAME_TRAPS])("restores $title", async (trap) => {
  const differences = await findDifferences(databaseOf(trap.script));
  expect(differences.filter((each) => trap.differs?.test(each) !== true)).toEqual([]);
});

test("restores random databases, however the script arrives and wherever a call ends", async () => {
  await fc.assert(
    fc.asyncProperty(
      databaseArbitrary,
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 20_000 }),
      async (database, pieceBytes, textBytesMax) => {
        const source = openPlatformDatabase();
        buildDatabase(source, scriptOf(database));
        expect(await findDifferences(source, { pieceBytes, textBytesMax })).toEqual([]);
        source.close();
      },
    ),
    { numRuns: 100 },
  );
});

test("counts the rows that the script inserts, and no work of the restore or of a search index", async () => {
  const source = databaseOf([
    "CREATE TABLE person(id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person(id))",
    "INSERT INTO person VALUES (1, NULL), (2, 1), (3, 2)",
    "CREATE TABLE note(body TEXT)",
    "INSERT INTO note VALUES ('one'), (hex(zeroblob(150000)))",
    "CREATE VIRTUAL TABLE search USING fts5(body)",
    "INSERT INTO search VALUES ('some words'), ('more words')",
    "CREATE VIRTUAL TABLE index_of_notes USING fts5(body, content='note')",
    "INSERT INTO index_of_notes(index_of_notes) VALUES ('rebuild')",
  ]);
  const dump = await dumpDatabase(nodeSqliteSource(source));
  for (const textBytesMax of [1, 1e12]) {
    let rows = 0;
    await loadDump(nodeSqliteSource(emptyDatabase()), dump.bytes, {
      textBytesMax,
      onLoaded: (position) => {
        rows = position.rows;
      },
    });
    expect(rows).toBe(7);
  }
});
