import type { Table } from "../sqlite/catalog.ts";
import { type KeyRange, buildKeyRangeQuery, parseKeyRange } from "../sqlite/key-range.ts";
import type { Source } from "../databases/source.ts";
import { forEachAtOnce } from "../lib/for-each-at-once.ts";

/**
 * How many tables are measured in one turn, so that writers wait for at most a few hundred rows.
 */
const TABLES_A_TURN = 25;

/** How many turns are requested at a time, since a far database answers each after a while. */
const TURNS_AT_ONCE = 4;

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
  if (tables.length > TABLES_MAX) return { ranges: [], rowsRead: 0 };
  const turns = Array.from({ length: Math.ceil(ranged.length / TABLES_A_TURN) }, (_, turn) =>
    ranged.slice(turn * TABLES_A_TURN, (turn + 1) * TABLES_A_TURN),
  );
  const found = new Map<Table, KeyRange>();
  let rowsRead = 0;
  await forEachAtOnce(TURNS_AT_ONCE, turns, async (turn) => {
    const results = await source.transaction(turn.map(({ sql }) => ({ sql })));
    for (const [index, { table }] of turn.entries()) {
      found.set(table, parseKeyRange(table, results[index]?.rows[0] ?? [null, null]));
      rowsRead += results[index]?.rowsRead ?? 0;
    }
  });
  const ranges = ranged.flatMap(({ table }) => found.get(table) ?? []);
  return { ranges, rowsRead };
}
