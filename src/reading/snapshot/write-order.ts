import { docsUrl } from "../../api/docs-url.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { tokenizeSql } from "../../sqlite/sql-tokens.ts";
import { lowerAscii, upperAscii } from "../../lib/ascii-case.ts";
import type { Catalog, SchemaObject, Table, TableIndex } from "../../sqlite/catalog.ts";

/** The most tables that a warning names. */
const NAMED_MAX = 5;

/**
 * Returns one warning for the watched tables whose writes may end differently while triggers exist;
 * none if there are no such tables. `docs/consistency.md` explains the rule.
 */
export function listWriteOrderWarnings(catalog: Catalog, watched: readonly Table[]): string[] {
  const names = watched
    .filter((table) => dependsOnOrder(table, catalog.triggers) || keepsItsOrphans(table))
    .map(({ name }) => q(name));
  if (names.length === 0) return [];
  const more = names.length - NAMED_MAX;
  const list = names.slice(0, NAMED_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return [
    `while the snapshot is open, some UPDATEs of several rows and some REPLACEs may fail or end differently ` +
      `(${docsUrl("consistency.md#writes-that-may-end-differently")}) in tables ${list}`,
  ];
}

/**
 * True if the order in which an UPDATE visits rows can have a visible effect. Without triggers,
 * SQLite changes rows while it walks along an index that the statement does not change. With a
 * trigger, it collects them first, and changes them in the order of the table's key. A row then
 * meets other rows' old or new values in a UNIQUE index.
 */
export function dependsOnOrder(table: Table, triggers: readonly SchemaObject[]): boolean {
  const secondary = table.indexes.filter((index) => !isOwnKey(table, index));
  if (secondary.length < 2 || collectsAnyway(table, triggers)) return false;
  const referring = new Set(table.foreignKeys.map(({ from }) => from));
  return secondary.some(
    ({ unique, terms }) =>
      // SQLite also collects the rows if a foreign key's column is changed.
      unique && !terms.every(({ column }) => column !== undefined && referring.has(column)),
  );
}

/** Rows of a WITHOUT ROWID table are stored in their PRIMARY KEY, which is not a separate index. */
function isOwnKey(table: Table, index: TableIndex): boolean {
  return table.kind === "without-rowid" && index.origin === "pk";
}

/** True if one of the database's own triggers fires on every UPDATE of the table. */
function collectsAnyway(table: Table, triggers: readonly SchemaObject[]): boolean {
  return triggers.some((trigger) => {
    if (lowerAscii(trigger.tableName) !== lowerAscii(table.name)) return false;
    const words = [...tokenizeSql(trigger.sql)].map(({ kind, text }) =>
      kind === "word" ? upperAscii(text) : "",
    );
    const event = words.findIndex((word) => EVENTS.has(word));
    return words[event] === "UPDATE" && words[event + 1] === "ON";
  });
}

const EVENTS: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE"]);

/**
 * True if REPLACE may leave references without a parent in a table that references itself with ON
 * DELETE SET NULL. SQLite then forgets to check the new row, unless the table has triggers (3.53,
 * November 2026).
 */
export function keepsItsOrphans(table: Table): boolean {
  return table.foreignKeys.some(
    ({ parent, onDelete }) =>
      lowerAscii(parent) === lowerAscii(table.name) && onDelete === "SET NULL",
  );
}
