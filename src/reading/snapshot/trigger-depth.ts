import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { parseIdentifier, tokenizeSql } from "../../sqlite/sql-tokens.ts";
import type { Catalog } from "../../sqlite/catalog.ts";
import { lowerAscii, upperAscii } from "../../lib/ascii-case.ts";

/** How deep the platform allows triggers within triggers, as measured in November 2026. */
const LEVELS_MAX = 10;

/**
 * The levels that a watched row needs: the trigger that saves it, and the one that counts its
 * bytes.
 */
const OWN_LEVELS = 2;

/**
 * Returns a warning for each table from which the database's own triggers and foreign-key actions
 * may go so deep that no level is left for a snapshot's triggers: such a write fails while the
 * snapshot is open. The depth is estimated from the triggers' texts, so it is the maximum; tables
 * that write each other in a circle count once.
 */
export function listDeepTriggerWarnings(catalog: Catalog): string[] {
  const written = writtenByTriggers(catalog);
  const depths = new Map<string, number>();
  const depthOf = (table: string): number => {
    const known = depths.get(table);
    if (known !== undefined) return known;
    // While it is being counted: a circle adds nothing.
    depths.set(table, 0);
    const below = [...(written.get(table) ?? [])].map((each) => 1 + depthOf(each));
    const depth = Math.max(0, ...below);
    depths.set(table, depth);
    return depth;
  };
  return catalog.tables
    .filter(({ name }) => depthOf(lowerAscii(name)) > LEVELS_MAX - OWN_LEVELS)
    .map(
      ({ name }) =>
        `triggers may go ${depthOf(lowerAscii(name))} levels deep from table ${q(name)}: a write that goes ` +
        `so deep fails while the snapshot is open, because it needs ${OWN_LEVELS} of ${LEVELS_MAX} levels`,
    );
}

/** Which tables a write to a table may then write; all names in lower case. */
function writtenByTriggers(catalog: Catalog): Map<string, Set<string>> {
  const written = new Map<string, Set<string>>();
  const add = (from: string, to: string): void => {
    const set = written.get(lowerAscii(from)) ?? new Set<string>();
    set.add(lowerAscii(to));
    written.set(lowerAscii(from), set);
  };
  const names = new Set([...catalog.tables, ...catalog.views].map(({ name }) => lowerAscii(name)));
  for (const { tableName, sql } of catalog.triggers) {
    for (const target of writtenNames(sql)) if (names.has(target)) add(tableName, target);
  }
  for (const table of catalog.tables) {
    for (const { parent, onUpdate, onDelete } of table.foreignKeys) {
      if ([onUpdate, onDelete].some((action) => !PASSIVE.has(action))) add(parent, table.name);
    }
  }
  return written;
}

/** Actions of a foreign key that write nothing. */
const PASSIVE: ReadonlySet<string> = new Set(["NO ACTION", "RESTRICT"]);

/** The names after INTO, UPDATE (OR …) and DELETE FROM in a trigger's body, in lower case. */
function writtenNames(sql: string): string[] {
  const tokens = [...tokenizeSql(sql)];
  const wordAt = (at: number): string => {
    const token = tokens[at];
    return token?.kind === "word" ? upperAscii(token.text) : "";
  };
  const body = tokens.findIndex((_, at) => wordAt(at) === "BEGIN");
  const found: string[] = [];
  for (let at = body; at >= 0 && at < tokens.length; at += 1) {
    let target: number | undefined;
    if (wordAt(at) === "INTO") target = at + 1;
    if (wordAt(at) === "UPDATE") target = wordAt(at + 1) === "OR" ? at + 3 : at + 1;
    if (wordAt(at) === "FROM" && wordAt(at - 1) === "DELETE") target = at + 1;
    const token = target === undefined ? undefined : tokens[target];
    if (token !== undefined) found.push(lowerAscii(parseIdentifier(token)));
  }
  return found;
}
