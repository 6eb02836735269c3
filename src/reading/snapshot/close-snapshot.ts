import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { SNAPSHOT_PREFIX } from "../../sqlite/own-objects.ts";
import { findQueryProblem } from "../../databases/query-problem.ts";
import type { Source } from "../../databases/source.ts";
import { findSnapshotPrefix, SnapshotNames, startsWithSql, nameStateTable } from "./names.ts";

/** A snapshot's objects, as found in a source. */
interface FoundSnapshot {
  prefix: string;
  triggers: string[];
  tables: string[];
}

/**
 * Removes everything that a snapshot has in its source, even if its opening failed. It may be
 * called again, and late: other snapshots keep their objects. All triggers are gone when it
 * returns. Tables that are locked stay, without rows; the result is their number.
 */
export async function closeSnapshot(source: Source, snapshotId: string): Promise<number> {
  const { prefix } = new SnapshotNames(snapshotId);
  const found = await findSnapshots(source);
  return removeObjects(
    source,
    found.filter((each) => each.prefix === prefix),
  );
}

/** A snapshot that another job, stream or deployment left or still holds. */
export interface OtherSnapshot {
  snapshotId: string;
  jobId: string;
  /** True if its lease still lets its triggers work. */
  hasLease: boolean;
}

/**
 * Removes the snapshots of a source for which `isLeftover` is true, those whose opening never
 * finished, and the one with the id `closes`. Returns the others, and how many tables stay empty
 * because they are locked.
 */
export async function sweepSnapshots(
  source: Source,
  isLeftover: (snapshot: OtherSnapshot) => boolean | Promise<boolean>,
  { closes }: { closes?: string } = {},
): Promise<{ kept: OtherSnapshot[]; tablesLeft: number }> {
  const closed = closes === undefined ? undefined : new SnapshotNames(closes).prefix;
  const kept: OtherSnapshot[] = [];
  const dead: FoundSnapshot[] = [];
  for (const found of await findSnapshots(source)) {
    const state = found.prefix === closed ? undefined : await readState(source, found);
    if (state !== undefined && !(await isLeftover(state))) kept.push(state);
    else dead.push(found);
  }
  return { kept, tablesLeft: await removeObjects(source, dead) };
}

/** Returns undefined for a snapshot whose opening never finished, or that is being removed. */
async function readState(source: Source, found: FoundSnapshot): Promise<OtherSnapshot | undefined> {
  const name = nameStateTable(found.prefix);
  if (!found.tables.includes(name)) return undefined;
  const sql = `SELECT snapshot_id, job_id, lease_until > unixepoch() FROM ${q(name)}`;
  let row: readonly unknown[] | undefined;
  try {
    [row] = (await source.query({ sql })).rows;
  } catch (error) {
    if (findQueryProblem(error) !== "missing") throw error;
  }
  if (row === undefined) return undefined;
  return { snapshotId: String(row[0]), jobId: String(row[1]), hasLease: row[2] === 1 };
}

async function findSnapshots(source: Source): Promise<FoundSnapshot[]> {
  const { rows } = await source.query({
    sql:
      `SELECT type, name FROM sqlite_master WHERE type IN ('table', 'trigger') ` +
      `AND ${startsWithSql("name", `${SNAPSHOT_PREFIX}_`)} ORDER BY rowid DESC`,
  });
  const snapshots = new Map<string, FoundSnapshot>();
  for (const [type, name] of rows) {
    const prefix = findSnapshotPrefix(String(name));
    if (prefix === undefined) continue;
    const found = snapshots.get(prefix) ?? { prefix, triggers: [], tables: [] };
    (type === "trigger" ? found.triggers : found.tables).push(String(name));
    snapshots.set(prefix, found);
  }
  return [...snapshots.values()];
}

/**
 * Drops triggers in their own turn: without their tables, every write of the customer's would fail,
 * and a table that cannot be dropped must not keep them. A transaction of both would abort a
 * customer's open cursor, if the cursor locks a table: SQLite ends the cursors of a schema that is
 * rolled back (November 2026). The objects created last are dropped first, so that the rest always
 * works if a source does not roll back. Returns how many tables are locked.
 */
async function removeObjects(source: Source, chosen: readonly FoundSnapshot[]): Promise<number> {
  const triggers = chosen.flatMap((found) => found.triggers);
  if (triggers.length > 0) {
    await source.transaction(
      triggers.map((name) => ({ sql: `DROP TRIGGER IF EXISTS ${q(name)}` })),
    );
  }
  const tables = chosen.flatMap((found) => found.tables);
  if (tables.length === 0) return 0;
  try {
    await source.transaction(tables.map((name) => ({ sql: `DROP TABLE IF EXISTS ${q(name)}` })));
    return 0;
  } catch (error) {
    if (findQueryProblem(error) !== "locked") throw error;
    return emptyTables(source, tables);
  }
}

/**
 * Deletes the rows of tables that cannot be dropped: while any cursor of the customer's code is
 * open, SQLite refuses DROP TABLE but allows DELETE (November 2026). Without its row, a snapshot's
 * state counts as dead, so a later closing or opening drops the tables. Returns how many there are.
 */
async function emptyTables(source: Source, tables: readonly string[]): Promise<number> {
  let left = 0;
  for (const name of tables) {
    try {
      await source.query({ sql: `DELETE FROM ${q(name)}` });
      left += 1;
    } catch (error) {
      // If a source does not roll back, some tables were dropped before one was found locked.
      if (findQueryProblem(error) !== "missing") throw error;
    }
  }
  return left;
}
