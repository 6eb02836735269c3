import { closest, distance } from "fastest-levenshtein";

import type { Catalog, SchemaObject } from "../sqlite/catalog.ts";
import { ExportError } from "../api/errors.ts";
import type { TablePatterns } from "../api/export-request.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { KEY_VALUES_TABLE } from "../sqlite/key-values.ts";
import { parseIdentifier, tokenizeSql } from "../sqlite/sql-tokens.ts";
import { lowerAscii } from "../lib/ascii-case.ts";

/** The most names shown with a pattern that matches none. */
const NEAR_NAMES_MAX = 5;

/** What remains of a catalog, and a sentence for each object that refers to something left out. */
export interface FilteredCatalog {
  catalog: Catalog;
  warnings: string[];
}

/**
 * Returns the tables and views of a catalog that `patterns` choose, with their indexes and
 * triggers: those that `include` matches (all if it is missing) without those that `exclude`
 * matches. The key-value storage of a Durable Object counts as a table `_cf_KV`. A pattern is a
 * name in which `*` stands for any characters; ASCII letters match in either case.
 *
 * Errors: `table-not-found` if a pattern matches no table or view, with the nearest names, and if
 * nothing remains.
 */
export function filterCatalog(catalog: Catalog, patterns: TablePatterns = {}): FilteredCatalog {
  const { include, exclude = [] } = patterns;
  if (include === undefined && exclude.length === 0) return { catalog, warnings: [] };
  const names = [
    ...[...catalog.tables, ...catalog.views].map((object) => object.name),
    ...(catalog.keyValues === undefined ? [] : [KEY_VALUES_TABLE]),
  ];
  for (const pattern of [...(include ?? []), ...exclude]) {
    if (!names.some((name) => matchesPattern(name, pattern))) throw noMatch(pattern, names);
  }
  const isMatched = (name: string, by: readonly string[]): boolean =>
    by.some((pattern) => matchesPattern(name, pattern));
  const chosen = new Set(
    names.filter(
      (name) => (include === undefined || isMatched(name, include)) && !isMatched(name, exclude),
    ),
  );
  if (chosen.size === 0) {
    throw new ExportError("table-not-found", "the patterns of `tables` leave nothing to export");
  }
  const keys = new Set([...chosen].map(lowerAscii));
  const filtered: Catalog = {
    tables: catalog.tables.filter((table) => chosen.has(table.name)),
    indexes: catalog.indexes.filter((index) => keys.has(lowerAscii(index.tableName))),
    views: withoutBroken(
      catalog.views.filter((view) => chosen.has(view.name)),
      names.filter((name) => !chosen.has(name)),
    ),
    triggers: catalog.triggers.filter((trigger) => keys.has(lowerAscii(trigger.tableName))),
    hasSequence: catalog.hasSequence,
    ...(catalog.keyValues && chosen.has(KEY_VALUES_TABLE) && { keyValues: catalog.keyValues }),
  };
  return {
    catalog: filtered,
    warnings: danglingWarnings(
      filtered,
      names.filter((name) => !chosen.has(name)),
    ),
  };
}

/**
 * Returns a catalog of one table, by its name, in which `*` is an ordinary character. Errors:
 * `table-not-found`, with the nearest names, and for views, which have no rows of their own.
 */
export function selectTable(catalog: Catalog, name: string): Catalog {
  const isNamed = (object: { name: string }): boolean =>
    lowerAscii(object.name) === lowerAscii(name);
  const table = catalog.tables.find(isNamed);
  if (table === undefined) {
    if (!catalog.views.some(isNamed)) {
      throw noMatch(
        name,
        catalog.tables.map((each) => each.name),
      );
    }
    throw new ExportError("table-not-found", `${quoteIdentifier(name)} is a view, not a table`);
  }
  const { keyValues: _, ...rest } = catalog;
  return { ...rest, tables: [table], indexes: [], views: [], triggers: [] };
}

/**
 * True if `name` matches `pattern`. The time is at most proportional to the product of both
 * lengths.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  const [head = "", ...pieces] = lowerAscii(pattern).split("*");
  const text = lowerAscii(name);
  if (pieces.length === 0) return text === head;
  const tail = pieces.pop() as string;
  if (text.length < head.length + tail.length) return false;
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let at = head.length;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function noMatch(pattern: string, names: string[]): ExportError {
  const near = nearNames(pattern, names);
  const hint =
    near.length > 0
      ? `near names: ${near.map(quoteIdentifier).join(", ")}`
      : names.length > 0
        ? `the nearest name is ${quoteIdentifier(closest(pattern, names))}`
        : "the database has no table";
  return new ExportError(
    "table-not-found",
    `no table or view matches ${JSON.stringify(pattern)}; ${hint}`,
    { details: { pattern, near } },
  );
}

/**
 * Returns names that differ from a pattern in at most a third of its letters, or that contain it,
 * nearest first.
 */
function nearNames(pattern: string, names: string[]): string[] {
  const wanted = lowerAscii(pattern).replaceAll("*", "");
  return names
    .map((name) => {
      const folded = lowerAscii(name);
      const isPart = wanted.length > 1 && folded.includes(wanted);
      return { name, isPart, edits: distance(wanted, folded) };
    })
    .filter(({ isPart, edits }) => isPart || edits <= Math.max(1, Math.floor(wanted.length / 3)))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, NEAR_NAMES_MAX)
    .map(({ name }) => name);
}

/**
 * Removes the columns of views that cannot work, because they read what is left out or each other.
 */
function withoutBroken(views: readonly SchemaObject[], leftOut: readonly string[]): SchemaObject[] {
  const gone = new Set(leftOut.map(lowerAscii));
  const namesGone = ({ sql }: SchemaObject): boolean =>
    [...tokenizeSql(sql)].some(
      (token) => token.kind !== "other" && gone.has(lowerAscii(parseIdentifier(token))),
    );
  for (;;) {
    const broken = views.filter((view) => !gone.has(lowerAscii(view.name)) && namesGone(view));
    for (const { name } of broken) gone.add(lowerAscii(name));
    if (broken.length > 0) continue;
    return views.map((view) => {
      if (!gone.has(lowerAscii(view.name))) return view;
      const { columns: _, ...rest } = view;
      return rest;
    });
  }
}

/**
 * Views, triggers and virtual tables that refer to something left out. Foreign keys have their own
 * warning.
 */
function danglingWarnings(catalog: Catalog, leftOut: string[]): string[] {
  const byKey = new Map(leftOut.map((name) => [lowerAscii(name), name]));
  const virtual = catalog.tables.filter((table) => table.kind === "virtual");
  return [
    ...catalog.views.map((object) => ({ kind: "view", object })),
    ...catalog.triggers.map((object) => ({ kind: "trigger", object })),
    ...virtual.map((object) => ({ kind: "virtual table", object })),
  ].flatMap(({ kind, object }) => {
    const named = new Set<string>();
    for (const token of tokenizeSql(object.sql)) {
      if (token.kind === "other") continue;
      // A quoted module argument is a string; a view may contain one that is not a name.
      if (token.kind === "string" && kind !== "virtual table") continue;
      const name = byKey.get(lowerAscii(parseIdentifier(token)));
      if (name !== undefined) named.add(name);
    }
    return [...named].map(
      (name) =>
        `${kind} ${quoteIdentifier(object.name)} refers to ${quoteIdentifier(name)}, which is not in the dump`,
    );
  });
}
