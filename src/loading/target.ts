import { lowerAscii } from "../lib/ascii-case.ts";
import type { Source } from "../databases/source.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import {
  claimSql,
  CREATE_RESTORE_TABLE,
  insertPositionSql,
  PASS_CLEARING,
  PASS_CLOSING,
  isElsewhere,
  RESTORE_TABLE,
} from "./position.ts";
import type { TargetTable } from "./plan-load.ts";
import { RESTORE_MARK } from "./stage-sql.ts";

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
    .filter(({ name }) => !isPlatformName(name));
}

function isPlatformName(name: string): boolean {
  const lower = lowerAscii(name);
  return lower.startsWith("sqlite_") || lower.startsWith("_cf_") || lower === "__miniflare_do_name";
}

/** True for a table that a restore has made in its target. */
function isRestoreTable({ name, sql }: TargetObject): boolean {
  return name.startsWith("tmp_export_") && sql.includes(RESTORE_MARK);
}

/** Returns a target's tables, each with whether it has rows; views and triggers count as tables with rows. */
export async function listTargetTables(source: Source): Promise<TargetTable[]> {
  const objects = (await listObjects(source)).filter((each) => !isRestoreTable(each));
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
 * Returns the statements that delete everything in a target except the tables `kept` (in lower case), whose rows
 * are deleted, and the restore's own tables. Run them in one turn. Empty if there is nothing to delete.
 */
async function listClearStatements(source: Source, kept: readonly string[]): Promise<string[]> {
  const keeps = new Set(kept);
  const objects = (await listObjects(source)).filter((each) => !isRestoreTable(each));
  const gone = objects.filter(
    ({ type, name, tableType }) =>
      type !== "index" && tableType !== "shadow" && !keeps.has(lowerAscii(name)),
  );
  const drops = [
    // Triggers first, so that no deletion fires one; a view may be in the way of what it reads.
    ...gone.filter(({ type }) => type === "trigger"),
    ...gone.filter(({ type }) => type === "view"),
    ...gone.filter(({ tableType }) => tableType === "virtual"),
    ...gone.filter(({ type, tableType }) => type === "table" && tableType !== "virtual"),
  ].map(({ type, name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`);
  const emptied = objects
    .filter(({ type, name }) => type === "table" && keeps.has(lowerAscii(name)))
    .map(({ name }) => `DELETE FROM ${quoteIdentifier(name)}`);
  if (drops.length + emptied.length === 0) return [];
  // A parent cannot be dropped before its children unless the check waits for the end.
  const sequences = keeps.size > 0 ? await forgetSequences(source) : [];
  return ["PRAGMA defer_foreign_keys=ON", ...drops, ...emptied, ...sequences];
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
 * Ends a restore in its target: deletes the tables that it made for itself and, unless `kept` is null, everything
 * but the tables that `kept` names (in lower case), whose rows are deleted. Repeating it does nothing, and so does
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
    const own = (await listObjects(source)).filter(isRestoreTable);
    await run(source, [
      claimSql(restoreId, { from: [PASS_CLOSING], to: PASS_CLOSING }),
      ...statements,
      ...own.map(({ name }) => `DROP TABLE IF EXISTS ${quoteIdentifier(name)}`),
    ]);
  } catch (error) {
    if (!isElsewhere(error)) throw error;
  }
}

/** Deletes the tables that a restore has made in its target, and nothing else. Repeating it does nothing. */
export async function dropRestoreTables(source: Source): Promise<void> {
  const own = (await listObjects(source)).filter(isRestoreTable);
  if (own.length === 0) return;
  await run(
    source,
    own.map(({ name }) => `DROP TABLE IF EXISTS ${quoteIdentifier(name)}`),
  );
}

async function run(source: Source, statements: readonly string[]): Promise<void> {
  await source.transaction(statements.map((sql) => ({ sql })));
}

/** True for the text of a table that only a restore makes. */
export function isRestoreTableText(name: string, sql: string): boolean {
  return name === RESTORE_TABLE ? sql === CREATE_RESTORE_TABLE : sql.includes(RESTORE_MARK);
}
