import type { Table } from "../sqlite/catalog.ts";
import { type KeyRange, buildKeyRangeQuery, parseKeyRange } from "../sqlite/key-range.ts";
import type { Source } from "../databases/source.ts";

/**
 * How many tables are measured in one turn, so that writers wait for at most a few hundred rows.
 */
const TABLES_A_TURN = 25;

/**
 * The number of places between a table's first and last key at which the distance to the next row
 * is measured.
 */
const PROBES = 8;

/**
 * With more tables, only the ends are looked up: the number of finished tables is enough to show
 * progress.
 */
const PROBED_TABLES_MAX = 50;

/** With more tables, progress is reported without percentages. */
const TABLES_MAX = 1_000;

/** Returns the key ranges of the tables that have one, and what reading them cost. */
export async function readKeyRanges(
  source: Source,
  tables: readonly Table[],
): Promise<{ ranges: KeyRange[]; rowsRead: number }> {
  const ranged = tables.flatMap((table) => {
    const sql = buildKeyRangeQuery(table, tables.length > PROBED_TABLES_MAX ? 0 : PROBES);
    return sql === undefined ? [] : [{ table, sql }];
  });
  const ranges: KeyRange[] = [];
  let rowsRead = 0;
  if (tables.length > TABLES_MAX) return { ranges, rowsRead };
  for (let at = 0; at < ranged.length; at += TABLES_A_TURN) {
    const turn = ranged.slice(at, at + TABLES_A_TURN);
    const results = await source.transaction(turn.map(({ sql }) => ({ sql })));
    for (const [index, { table }] of turn.entries()) {
      ranges.push(parseKeyRange(table, results[index]?.rows[0] ?? [null, null]));
      rowsRead += results[index]?.rowsRead ?? 0;
    }
  }
  return { ranges, rowsRead };
}
