import type { Source } from "../../databases/source.ts";
import { readCatalog } from "../../reading/read-catalog.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { isChunkOver } from "../export/chunk-end.ts";
import type { Difference } from "./difference.ts";

/** A table and its expected number of rows, as a manifest lists them. */
export interface ExpectedRows {
  name: string;
  rows: number;
}

/** The limits of one turn, because other calls wait for it. A larger table gets its own turn. */
const TURN_TABLES_MAX = 25;
const TURN_ROWS_MAX = 1_000_000;

/** What one step counted. */
export interface ComparedCounts {
  /** Index of the table at which the next step resumes; null if all are counted, or one differs. */
  next: number | null;
  /** How many tables have the expected number of rows. */
  tables: number;
  rows: number;
  /** As the runtime bills them. */
  rowsRead: number;
  difference: Difference | null;
}

/**
 * Counts the rows of tables, starting with index `from`, until a minute has passed, and compares the counts with
 * the expected ones. Ignores all other tables. Errors: those of the source and of `beat`.
 */
export async function compareCounts(
  source: Source,
  input: { tables: readonly ExpectedRows[]; from: number; beat: () => Promise<void> },
): Promise<ComparedCounts> {
  const { tables, from, beat } = input;
  const startedAtMs = Date.now();
  const known = new Set((await readCatalog(source)).tables.map(({ name }) => name));
  let [at, rows, rowsRead] = [from, 0, 0];
  const compared = (difference: Difference | null): ComparedCounts => ({
    next: difference === null && at < tables.length ? at : null,
    tables: at - from,
    rows,
    rowsRead,
    difference,
  });
  while (at < tables.length && (at === from || !isChunkOver({ startedAtMs, artifacts: 0 }))) {
    const turn = takeTurn(tables.slice(at, at + TURN_TABLES_MAX));
    const found = turn.filter(({ name }) => known.has(name));
    const statements = found.map(({ name }) => ({ sql: `SELECT count(*) FROM ${q(name)}` }));
    const results = statements.length === 0 ? [] : await source.transaction(statements);
    rowsRead += results.reduce((sum, result) => sum + result.rowsRead, 0);
    const counts = new Map(found.map(({ name }, each) => [name, results[each]?.rows[0]?.[0]]));
    for (const expected of turn) {
      const count = counts.get(expected.name);
      if (count !== expected.rows) return compared(describe(expected, count));
      at += 1;
      rows += expected.rows;
    }
    await beat();
  }
  return compared(null);
}

/** The first tables: as many as one turn counts. */
function takeTurn(tables: readonly ExpectedRows[]): readonly ExpectedRows[] {
  let rows = 0;
  const end = tables.findIndex((table, at) => {
    rows += table.rows;
    return at > 0 && rows > TURN_ROWS_MAX;
  });
  return end < 0 ? tables : tables.slice(0, end);
}

function describe({ name, rows }: ExpectedRows, count: unknown): Difference {
  const message =
    count === undefined
      ? `table ${q(name)} of the dump is missing`
      : `table ${q(name)} has ${String(count)} rows, and the dump has ${rows}`;
  return { table: name, firstKey: null, lastKey: null, message };
}
