import type { DatabaseSync } from "node:sqlite";
import { STATEMENT_BYTES_MAX } from "../../src/api/limits.ts";
import { compareDatabases, type ComparisonOptions } from "./compare-databases.ts";
import { dumpDatabase, randomCutting, UNCUT, type WholeDump } from "./dump-database.ts";
import { nodeSqliteSource } from "./node-sqlite-source.ts";
import { restoreStatements, statementsOf } from "./restore-dump.ts";

/**
 * Dumps `source`, cut at places that `seed` selects, restores it under the platform's limits, and
 * returns the differences, in sentences. Also compares the bytes of an uncut dump, of one whose
 * rows are all read as if they were long, and those of the restored database's dump.
 */
export async function checkExactness(
  source: DatabaseSync,
  seed: number,
  { breaksRules = false } = {},
): Promise<{ differences: string[]; dump: WholeDump }> {
  const dump = await dumpDatabase(nodeSqliteSource(source));
  const differences: string[] = [];
  const cut = await dumpDatabase(nodeSqliteSource(source), randomCutting(seed));
  if (!isSame(dump.bytes, cut.bytes)) {
    differences.push(
      `a dump cut by seed ${seed} differs ${firstDifference(dump.bytes, cut.bytes)}`,
    );
  }
  const long = await dumpDatabase(nodeSqliteSource(source), { ...UNCUT, rowBytes: () => Infinity });
  if (!isSame(dump.bytes, long.bytes)) {
    const where = firstDifference(dump.bytes, long.bytes);
    differences.push(`a dump read as if rows were long differs ${where}`);
  }
  differences.push(...longStatements(dump.bytes));
  const restored = restoreStatements(dump.bytes, undefined, { breaksRules });
  try {
    const again = await dumpDatabase(nodeSqliteSource(restored));
    if (!isSame(dump.bytes, again.bytes)) {
      differences.push(
        `the restored database's dump differs ${firstDifference(dump.bytes, again.bytes)}`,
      );
    }
    differences.push(...compareDatabases(source, restored, comparisonOf(dump)));
  } finally {
    restored.close();
  }
  return { differences, dump };
}

/** The differences that a dump's own warnings allow. */
export function comparisonOf(dump: WholeDump): ComparisonOptions {
  const warned = (pattern: string): string[] =>
    dump.catalog.tables
      .map((table) => table.name)
      .filter((name) => {
        // With the space before it: the name "" also ends the name of a table that is called by a quote.
        const quoted = ` "${name.replaceAll('"', '""')}"`;
        return dump.warnings.some((warning) => warning.includes(`${quoted} ${pattern}`));
      });
  return {
    skippedTables: warned("is left out"),
    emptiedTables: warned("keeps no content"),
  };
}

function longStatements(dump: Uint8Array): string[] {
  return statementsOf(dump)
    .filter((statement) => Buffer.byteLength(statement) > STATEMENT_BYTES_MAX)
    .map((statement) => `a statement has ${Buffer.byteLength(statement)} bytes`);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function firstDifference(a: Uint8Array, b: Uint8Array): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const around = (bytes: Uint8Array): string =>
    JSON.stringify(Buffer.from(bytes.subarray(Math.max(0, at - 60), at + 60)).toString("utf8"));
  return `at byte ${at}: ${around(a)} and ${around(b)}`;
}
