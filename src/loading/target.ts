import { ExportError } from "../api/errors.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import type { Source } from "../databases/source.ts";
import { DELETE_KEY_VALUES, HAS_KEY_VALUES, KEY_VALUES_TABLE } from "../sqlite/key-values.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import {
  CREATE_KEY_VALUE_STAGE,
  isPlatformName,
  isDumpStage,
  isRestoreObject,
  KEY_VALUE_STAGE_TABLE,
} from "../sqlite/own-objects.ts";
import { listGroups } from "./list-groups.ts";
import type { TargetTable } from "./plan-load.ts";
import {
  claimSql,
  insertPositionSql,
  isElsewhere,
  PASS_CLEARING,
  PASS_CLOSING,
  requireNoneSql,
} from "./position.ts";

/** What a database contains, apart from what its platform keeps in it. */
interface TargetObject {
  type: string;
  name: string;
  sql: string;
  /** `shadow` tables are dropped with their virtual table. */
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

/**
 * True if an object's key-value storage has entries that a restore can delete. Classes that do not extend
 * `withExport` do not report theirs. Errors: the source's own.
 */
export async function hasKeyValueEntries(source: Source): Promise<boolean> {
  if (!source.hasKeyValues) return false;
  const { rows } = await source.query({ sql: HAS_KEY_VALUES });
  return Number(rows[0]?.[0] ?? 0) > 0;
}

/**
 * Returns a target's tables, or those that `isMeant` selects, and whether each has rows. Views, triggers,
 * unreadable virtual tables, and entries of a key-value storage count as tables with rows. Errors: the source's
 * own.
 */
export async function listTargetTables(
  source: Source,
  isMeant: (name: string) => boolean = () => true,
): Promise<TargetTable[]> {
  const objects = (await listObjects(source)).filter(
    ({ name, sql }) => !isRestoreObject(name, sql) && isMeant(name),
  );
  const tables: TargetTable[] = [];
  if (isMeant(KEY_VALUES_TABLE) && (await hasKeyValueEntries(source))) {
    tables.push({ name: KEY_VALUES_TABLE, sql: "", hasRows: true });
  }
  for (const { type, name, sql, tableType } of objects) {
    if (type === "index" || tableType === "shadow") continue;
    if (type !== "table") {
      tables.push({ name, sql, hasRows: true });
      continue;
    }
    const query = { sql: `SELECT 1 FROM ${quoteIdentifier(name)} LIMIT 1` };
    const hasRows = await source.query(query).then(
      ({ rows }) => rows.length > 0,
      (error: unknown) => {
        // A search index may have lost its content.
        if (tableType === "virtual" && isRefused(error)) return true;
        throw error;
      },
    );
    tables.push({ name, sql, hasRows });
  }
  return tables;
}

/**
 * Returns the statements that empty a target. Tables in `kept` (in lower case) stay and lose their rows. What the
 * restore created for itself stays unchanged. Run the statements in one turn. Returns none if there is nothing to
 * delete.
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
    // Triggers go first, so no deletion fires one. Views go next, because a view can block the removal of what it
    // reads.
    ...gone.filter(({ type }) => type === "trigger"),
    ...gone.filter(({ type }) => type === "view"),
    ...gone.filter(({ tableType }) => tableType === "virtual"),
    ...order.map((name) => ({ type: "table", name })),
  ].map(({ type, name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`);
  const emptied = objects
    .filter(({ type, name }) => type === "table" && keeps.has(lowerAscii(name)))
    .map(({ name }) => `DELETE FROM ${quoteIdentifier(name)}`);
  const entries = source.hasKeyValues ? [DELETE_KEY_VALUES] : [];
  if (drops.length + emptied.length === 0) return entries;
  const sequences = keeps.size > 0 ? await forgetSequences(source) : [];
  // The tables of a cycle refer to one another until the last one is gone.
  return [
    "PRAGMA defer_foreign_keys=ON",
    ...indexes,
    ...drops,
    ...emptied,
    ...sequences,
    ...entries,
  ];
}

/**
 * Returns the order in which to drop tables: children before their parents, since SQLite deletes a parent's rows
 * one by one. Tables that refer to themselves or to one another first need an index. Without one, each deleted row
 * reads the whole child table (5,000 rows took a second, 20,000 rows 18, November 2026).
 */
async function orderDrops(
  source: Source,
  names: readonly string[],
): Promise<{ indexes: string[]; order: string[] }> {
  const keys = await source.query({
    sql:
      'SELECT m.name, f.id, f."table", f."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) f ' +
      // The runtime refuses to read its own tables.
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

/** Begins a restore in its target: makes its position. Repeating it does nothing. Errors: the source's own. */
export async function openTarget(source: Source, restoreId: string): Promise<void> {
  await run(source, insertPositionSql(restoreId));
}

/**
 * Begins a restore in its target: creates its position, and deletes everything else. Repeating it does nothing.
 * It calls `requireCurrent` after it creates the position and before it deletes. `requireCurrent` throws for a late
 * attempt, because the target may have other content by then. If the restore ends after that call, the attempt
 * finds no position and deletes nothing. Errors: those of the source and of `requireCurrent`.
 */
export async function openClearedTarget(
  source: Source,
  restoreId: string,
  requireCurrent: () => Promise<void>,
): Promise<void> {
  await run(source, insertPositionSql(restoreId, PASS_CLEARING));
  await requireCurrent();
  const statements = await listClearStatements(source, []);
  try {
    await run(source, [
      claimSql(restoreId, { from: [PASS_CLEARING], to: PASS_CLEARING }),
      ...statements,
      // Comes last: a database that does not roll back must not count as cleared if a deletion fails.
      claimSql(restoreId, { from: [PASS_CLEARING], to: 1 }),
    ]);
  } catch (error) {
    // An earlier attempt did this already.
    if (!isElsewhere(error)) throw error;
  }
}

/**
 * Ends a restore in its target, and deletes what the restore created for itself. Unless `kept` is null, it also
 * deletes everything except the tables in `kept` (in lower case), which lose their rows. It does nothing if it is
 * repeated, or if another restore has begun. If the position is gone, it deletes only the restore's own tables.
 * Errors: the source's own.
 */
export async function closeTarget(
  source: Source,
  restoreId: string,
  kept: readonly string[] | null,
): Promise<void> {
  try {
    // After this, no turn of the restore runs.
    await run(source, [claimSql(restoreId, { from: null, to: PASS_CLOSING })]);
    const statements = kept === null ? [] : await listClearStatements(source, kept);
    await run(source, [
      claimSql(restoreId, { from: [PASS_CLOSING], to: PASS_CLOSING }),
      ...statements,
      ...(await listOwnDrops(source)),
    ]);
  } catch (error) {
    if (!isElsewhere(error)) throw error;
    await dropOrphans(source);
  }
}

/** Drops what a restore without a position has left, unless another restore has begun. */
async function dropOrphans(source: Source): Promise<void> {
  const drops = await listOwnDrops(source);
  if (drops.length === 0) return;
  try {
    await run(source, [requireNoneSql(), ...drops]);
  } catch (error) {
    if (!isElsewhere(error)) throw error;
  }
}

/** Deletes only what a restore created for itself in its target. Repeating it does nothing. */
export async function dropRestoreTables(source: Source): Promise<void> {
  const drops = await listOwnDrops(source);
  if (drops.length > 0) await run(source, drops);
}

async function listOwnDrops(source: Source): Promise<string[]> {
  const own = (await listObjects(source)).filter(
    ({ name, sql }) =>
      isRestoreObject(name, sql) ||
      // A script that is not loaded completely may leave this table.
      isDumpStage(name, sql) ||
      // Pieces of an entry whose last piece was not loaded.
      (name === KEY_VALUE_STAGE_TABLE && sql === CREATE_KEY_VALUE_STAGE),
  );
  return ["trigger", "index", "table"].flatMap((type) =>
    own
      .filter((each) => each.type === type)
      .map(({ name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`),
  );
}

function isRefused(error: unknown): boolean {
  return error instanceof ExportError && error.code === "source-query-failed";
}

async function run(source: Source, statements: readonly string[]): Promise<void> {
  await source.transaction(statements.map((sql) => ({ sql })));
}
