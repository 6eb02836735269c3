import { lowerAscii } from "../lib/ascii-case.ts";
import type { Source } from "../databases/source.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { isPlatformName, isRestoreObject } from "../sqlite/own-objects.ts";
import type { TargetTable } from "./plan-load.ts";

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
 * Deletes everything in a target but the tables `kept` (in lower case), whose rows are deleted; the restore's own
 * tables too. Repeating it does nothing. Errors: the source's own.
 */
export async function clearTarget(source: Source, kept: readonly string[]): Promise<void> {
  const keeps = new Set(kept);
  for (;;) {
    const objects = await listObjects(source);
    const gone = objects.filter(
      ({ type, name, tableType }) =>
        type !== "index" && tableType !== "shadow" && !keeps.has(lowerAscii(name)),
    );
    const statements = [
      // Triggers first, so that no deletion fires one; a view may be in the way of what it reads.
      ...gone.filter(({ type }) => type === "trigger"),
      ...gone.filter(({ type }) => type === "view"),
      ...gone.filter(({ tableType }) => tableType === "virtual"),
      ...gone.filter(({ type, tableType }) => type === "table" && tableType !== "virtual"),
    ].map(({ type, name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`);
    const emptied = objects
      .filter(({ type, name }) => type === "table" && keeps.has(lowerAscii(name)))
      .map(({ name }) => `DELETE FROM ${quoteIdentifier(name)}`);
    if (statements.length === 0 && emptied.length === 0) return;
    // One turn: a parent cannot be dropped before its children unless the check waits for the end.
    const run = ["PRAGMA defer_foreign_keys=ON", ...statements, ...emptied];
    if (keeps.size > 0) run.push(...(await forgetSequences(source)));
    await source.transaction(run.map((sql) => ({ sql })));
    if (statements.length === 0) return;
  }
}

async function forgetSequences(source: Source): Promise<string[]> {
  const sql = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'";
  return (await source.query({ sql })).rows.length === 0 ? [] : ["DELETE FROM sqlite_sequence"];
}

/** Deletes what a restore has made for itself in its target, and nothing else. Repeating it does nothing. */
export async function dropRestoreTables(source: Source): Promise<void> {
  const own = (await listObjects(source)).filter(({ name, sql }) => isRestoreObject(name, sql));
  if (own.length === 0) return;
  const statements = ["trigger", "index", "table"].flatMap((type) =>
    own
      .filter((each) => each.type === type)
      .map(({ name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteIdentifier(name)}`),
  );
  await source.transaction(statements.map((sql) => ({ sql })));
}
