import { lowerAscii } from "../lib/ascii-case.ts";
import type { Source } from "../databases/source.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { isPlatformName, isRestoreObject } from "../sqlite/own-objects.ts";
import { listGroups } from "./list-groups.ts";
import type { TargetTable } from "./plan-load.ts";
import {
  claimSql,
  insertPositionSql,
  isElsewhere,
  PASS_CLEARING,
  PASS_CLOSING,
} from "./position.ts";

/** What a database contains, but for what its platform keeps in it. */
interface TargetObject {
  type: string;
  name: string;
  sql: string;
  /** `shadow` tables go with their virtual table. */
  tableType: string;
}

async function listObjects(source: Source): Promise<TargetObject[]> {
  const { rows } = await source.query({
    sql:
      "SELECT m.type, m.name, coalesce(m.sql, ''), coalesce(l.type, '') FROM sqlite_master m " +
      "LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = m.name AND m.type IN ('table', 'view') " +
      "ORDER BY m.rowid",
    columns: 4,
  });
  return rows
    .map(([type, name, sql, tableType]) => ({
      type: String(type),
      name: String(name),
      sql: String(sql),
      tableType: String(tableType),
    }))
    .filter(({ name }) => !lowerAscii(name).startsWith("sqlite_") && !isPlatformName(name));
}

/** Returns a target's tables, each with whether it has rows; views and triggers count as tables with rows. */
export async function listTargetTables(source: Source): Promise<TargetTable[]> {
  const objects = (await listObjects(source)).filter(
    ({ name, sql }) => !isRestoreObject(name, sql),
  );
  const tables: TargetTable[] = [];
  for (const { type, name, sql, tableType } of objects) {
    if (type === "index" || tableType === "shadow") continue;
    if (type !== "table") {
      tables.push({ name, sql, hasRows: true });
      continue;
    }
    const found = await source.query({ sql: `SELECT 1 FROM ${quoteIdentifier(name)} LIMIT 1` });
    tables.push({ name, sql, hasRows: found.rows.length > 0 });
  }
  return tables;
}

/**
 * Returns the statements that delete everything in a target except the tables `kept` (in lower
 * case), whose rows are deleted, and what the restore created for itself. Run them in one turn.
 * Empty if there is nothing to delete.
 */
async function listClearStatements(source: Source, kept: readonly string[]): Promise<string[]> {
  const keeps = new Set(kept);
  const objects = (await listObjects(source)).filter(
    ({ name, sql }) => !isRestoreObject(name, sql),
  );
  const gone = objects.filter(
    ({ type, name, tableType }) =>
      type !== "index" && tableType !== "shadow" && !keeps.has(lowerAscii(name)),
  );
  const plain = gone.filter(({ type, tableType }) => type === "table" && tableType !== "virtual");
  const { indexes, order } = await orderDrops(
    source,
    plain.map(({ name }) => name),
  );
  const drops = [
    // Triggers first, so that no deletion fires one; a view may be in the way of what it reads.
    ...gone.filter(({ type }) => type === "trigger"),
    ...gone.filter(({ type }) => type === "view"),
    ...gone.filter(({ tableType }) => tableType === "virtual"),
    ...order.map((name) => ({ type: "table", name })),
  ].map(({ type, name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`);
  const emptied = objects
    .filter(({ type, name }) => type === "table" && keeps.has(lowerAscii(name)))
    .map(({ name }) => `DELETE FROM ${quoteIdentifier(name)}`);
  if (drops.length + emptied.length === 0) return [];
  const sequences = keeps.size > 0 ? await forgetSequences(source) : [];
  // Tables of a cycle refer to one another until the last of them is gone.
  return ["PRAGMA defer_foreign_keys=ON", ...indexes, ...drops, ...emptied, ...sequences];
}

/**
 * Returns the order in which tables are dropped: children before their parents, since SQLite deletes the rows of
 * a parent one by one. Tables that refer to themselves or to one another need an index first: without one, each
 * deleted row reads the whole child table (5,000 rows took a second, 20,000 rows 18, November 2026).
 */
async function orderDrops(
  source: Source,
  names: readonly string[],
): Promise<{ indexes: string[]; order: string[] }> {
  const keys = await source.query({
    sql:
      'SELECT m.name, f.id, f."table", f."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) f ' +
      // D1 refuses this pragma for a platform's table.
      "WHERE m.type = 'table' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY m.rowid, f.id, f.seq",
    columns: 4,
  });
  const byLower = new Map(names.map((name) => [lowerAscii(name), name]));
  const foreignKeys = new Map<string, { child: string; parent: string; columns: string[] }>();
  for (const [name, id, parent, column] of keys.rows) {
    const child = lowerAscii(String(name));
    const key = `${String(id)} ${child}`;
    const found = foreignKeys.get(key) ?? {
      child,
      parent: lowerAscii(String(parent)),
      columns: [],
    };
    found.columns.push(String(column));
    foreignKeys.set(key, found);
  }
  const all = [...foreignKeys.values()].filter(({ child }) => byLower.has(child));
  const groups = listGroups([...byLower.keys()], (child) =>
    all.flatMap((key) => (key.child === child && byLower.has(key.parent) ? [key.parent] : [])),
  );
  const indexes: string[] = [];
  for (const group of groups) {
    const members = new Set(group);
    for (const { child, parent, columns } of all) {
      if (!members.has(child) || !members.has(parent)) continue;
      const table = quoteIdentifier(byLower.get(child) as string);
      const name = `tmp_export_restore_index_${indexes.length + 1}`;
      indexes.push(`CREATE INDEX ${name} ON ${table}(${columns.map(quoteIdentifier).join(", ")})`);
    }
  }
  const order = groups
    .toReversed()
    .flatMap((group) => group.map((name) => byLower.get(name) as string));
  return { indexes, order };
}

async function forgetSequences(source: Source): Promise<string[]> {
  const sql = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'";
  return (await source.query({ sql })).rows.length === 0 ? [] : ["DELETE FROM sqlite_sequence"];
}

/**
 * Begins a restore in its target: makes its position, and first deletes everything if `clears`. Repeating it does
 * nothing, and a late attempt deletes nothing. Errors: the source's own.
 */
export async function openTarget(
  source: Source,
  restoreId: string,
  { clears }: { clears: boolean },
): Promise<void> {
  await run(source, insertPositionSql(restoreId, clears ? PASS_CLEARING : 1));
  if (!clears) return;
  const statements = await listClearStatements(source, []);
  try {
    await run(source, [claimSql(restoreId, { from: [PASS_CLEARING], to: 1 }), ...statements]);
  } catch (error) {
    // An earlier attempt has done it.
    if (!isElsewhere(error)) throw error;
  }
}

/**
 * Ends a restore in its target: deletes what it made for itself and, unless `kept` is null, everything but the
 * tables that `kept` names (in lower case), whose rows are deleted. Repeating it does nothing, and neither does
 * calling it after another restore has begun. Errors: the source's own.
 */
export async function closeTarget(
  source: Source,
  restoreId: string,
  kept: readonly string[] | null,
): Promise<void> {
  try {
    // From here on no turn of the restore runs.
    await run(source, [claimSql(restoreId, { from: null, to: PASS_CLOSING })]);
    const statements = kept === null ? [] : await listClearStatements(source, kept);
    await run(source, [
      claimSql(restoreId, { from: [PASS_CLOSING], to: PASS_CLOSING }),
      ...statements,
      ...(await listOwnDrops(source)),
    ]);
  } catch (error) {
    if (!isElsewhere(error)) throw error;
  }
}

/** Deletes what a restore has made for itself in its target, and nothing else. Repeating it does nothing. */
export async function dropRestoreTables(source: Source): Promise<void> {
  const drops = await listOwnDrops(source);
  if (drops.length > 0) await run(source, drops);
}

async function listOwnDrops(source: Source): Promise<string[]> {
  const own = (await listObjects(source)).filter(({ name, sql }) => isRestoreObject(name, sql));
  return ["trigger", "index", "table"].flatMap((type) =>
    own
      .filter((each) => each.type === type)
      .map(({ name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`),
  );
}

async function run(source: Source, statements: readonly string[]): Promise<void> {
  await source.transaction(statements.map((sql) => ({ sql })));
}
