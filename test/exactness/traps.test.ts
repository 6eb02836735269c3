import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { checkExactness, comparisonOf } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import {
  hasShell,
  restoreByShell,
  restoreScript,
  restoreStatements,
} from "../support/restore-dump.ts";
import { type Trap, TRAPS } from "../support/traps.ts";

function databaseOf(trap: Trap): DatabaseSync {
  const db = openPlatformDatabase();
  for (const statement of trap.script) db.exec(statement);
  return db;
}

function answerOf(db: DatabaseSync, query: string): unknown {
  const statement = db.prepare(query);
  statement.setReadBigInts(true);
  return statement.all();
}

test.each(TRAPS)("$title", async (trap) => {
  const source = databaseOf(trap);
  const { differences, dump } = await checkExactness(source, 7);

  expect(differences.filter((difference) => trap.differs?.test(difference) !== true)).toEqual([]);
  if (trap.differs !== undefined) expect(differences).not.toEqual([]);
  if (trap.warning === undefined) expect(dump.warnings).toEqual([]);
  else expect(dump.warnings.join("\n")).toMatch(trap.warning);

  const restored = restoreStatements(dump.bytes);
  for (const query of trap.queries ?? []) {
    expect(answerOf(restored, query), query).toEqual(answerOf(source, query));
  }
});

const shell = hasShell();

test.each(TRAPS)(
  "loads as one script, and through the sqlite3 shell if there is one: $title",
  async (trap) => {
    const source = databaseOf(trap);
    const dump = await dumpDatabase(nodeSqliteSource(source));
    const isAllowed = (difference: string): boolean => trap.differs?.test(difference) === true;
    const databases = [restoreScript(dump.bytes)];
    if (shell && trap.notByShell !== true) databases.push(restoreByShell(dump.bytes));
    for (const restored of databases) {
      const differences = compareDatabases(source, restored, comparisonOf(dump));
      expect(differences.filter((difference) => !isAllowed(difference))).toEqual([]);
    }
  },
);
