import { env } from "node:process";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkExactness, comparisonOf } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { nodeSqliteSource } from "../support/node-sqlite-source.ts";
import {
  buildDatabase,
  databaseArbitrary,
  type RandomDatabase,
  scriptOf,
} from "../support/random-database.ts";
import type { RandomValue } from "../support/random-values.ts";
import { hasShell, restoreByShell, restoreScript } from "../support/restore-dump.ts";

const databases = Number(env["EXACTNESS_RUNS"] ?? 200);
const seed = Number(env["EXACTNESS_SEED"] ?? 20_261_124);

test(`dumps ${databases} random databases exactly (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(databaseArbitrary, fc.nat(), async (shape, cutting) => {
      const source = openPlatformDatabase();
      try {
        buildDatabase(source, scriptOf(shape, { breaksRules: true }));
        const { differences } = await checkExactness(source, cutting, { breaksRules: true });
        expect(differences).toEqual([]);
      } finally {
        source.close();
      }
    }),
    { numRuns: databases, seed },
  );
});

const restore = hasShell() ? restoreByShell : restoreScript;

test("dumps random databases so that the sqlite3 shell loads them, where there is one", async () => {
  await fc.assert(
    fc.asyncProperty(databaseArbitrary, async (shape) => {
      const source = openPlatformDatabase();
      try {
        const script = scriptOf(withoutVersionedText(shape), { breaksRules: true });
        buildDatabase(source, script.map(withoutTwoCharacterLineEnds));
        const dump = await dumpDatabase(nodeSqliteSource(source));
        const restored = restore(dump.bytes);
        const differences = compareDatabases(source, restored, comparisonOf(dump));
        restored.close();
        expect(differences).toEqual([]);
      } finally {
        source.close();
      }
    }),
    { numRuns: Math.ceil(databases / 6), seed },
  );
});

/**
 * Versions of SQLite write reals differently if a generated column, an index or a module makes text of them, and
 * the trigram tokenizer of old ones finds no words in text that contains NUL.
 */
function withoutVersionedText(shape: RandomDatabase): RandomDatabase {
  const isVersioned = (value: RandomValue): boolean =>
    value.kind === "real" || /^CAST\(X'(?:..)*00/.test(value.sql);
  const kept = (value: RandomValue): RandomValue =>
    isVersioned(value) ? { kind: "integer", sql: "7" } : value;
  return {
    ...shape,
    tables: shape.tables.map((table) =>
      Object.assign({}, table, {
        generated: [],
        indexes: table.indexes.filter((index) => !index.expression),
      }),
    ),
    others: shape.others.map((other) =>
      Object.assign({}, other, { values: other.values.map(kept) }),
    ),
  };
}

/** The shell takes CR from before LF in what it reads: in names nothing can be done about that. */
function withoutTwoCharacterLineEnds(statement: string): string {
  return statement.replaceAll("carriage\r\nreturn", "carriage return");
}
