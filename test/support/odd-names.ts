import { q, type Random } from "./snapshot-writes.ts";
import type { WrittenTable } from "./snapshot-schemas.ts";

const KEYWORDS =
  "abort action add after all alter always analyze and as asc attach autoincrement before begin between by " +
  "cascade case cast check collate column commit conflict constraint create cross current current_date " +
  "current_time current_timestamp database default deferrable deferred delete desc detach distinct do drop each " +
  "else end escape except exclude exclusive exists explain fail filter first following for foreign from full " +
  "generated glob group groups having if ignore immediate in index indexed initially inner insert instead " +
  "intersect into is isnull join key last left like limit match materialized natural no not nothing notnull null " +
  "nulls of offset on or order others outer over partition plan pragma preceding primary query raise range " +
  "recursive references regexp reindex release rename replace restrict returning right rollback row rows " +
  "savepoint select set table temp temporary then ties to transaction trigger unbounded union unique update " +
  "using vacuum values view virtual when where window with without";

/** Names that SQLite, or a query of this project, could mistake for something else. */
export const ODD_NAMES: readonly string[] = [
  "true",
  "false",
  "TRUE",
  "null",
  "",
  "rowid",
  "oid",
  "_rowid_",
  "column1",
  "old",
  "new",
  "tmp_export_born",
  "born",
  "k",
  "k0",
  "k1",
  "c0",
  "c1",
  "r",
  "n",
  "t",
  "g",
  "b",
  "tmp_u",
  "tmp_r",
  'a "quoted" name',
  "it's",
  "[x]",
  "`y`",
  '"',
  "a.b",
  "a,b",
  "?1",
  "--",
  "x".repeat(400),
  "long ".repeat(200),
  '"'.repeat(300),
  "\u{1f98b}".repeat(700),
  "\u0001".repeat(200),
  ...KEYWORDS.split(" "),
];

/** A table for a snapshot's random runs, with odd names everywhere. */
export function oddlyNamedTable(random: Random): WrittenTable {
  const taken = new Map<string, string>();
  const count = random.isTrue(0.2) ? 12 : 4;
  while (taken.size < count) {
    const name = random.isTrue(0.5) ? random.of(ODD_NAMES.slice(0, 38)) : random.of(ODD_NAMES);
    taken.set(name.toLowerCase(), name);
  }
  const columns = [...taken.values()];
  const [first = "", second = "", third = "", fourth = ""] = columns;
  const [a, b, c, d] = [first, second, third, fourth].map(q) as [string, string, string, string];
  const others = columns.slice(4).map((name) => `, ${q(name)}`);
  const rest = others.join("");
  const name = random.of(["true", "odd", "t", "n", "g", "tmp_r", "a, b", "table ".repeat(300)]);
  const table = q(name);
  const written = (script: string[], conflictTargets: string[]): WrittenTable => ({
    name,
    script,
    columns,
    conflictTargets,
  });
  const integers = { [first]: ["1", "2", "3", "5", "8", "-4", "NULL"] };
  return random.of<() => WrittenTable>([
    () => ({
      ...written(
        [
          `CREATE TABLE ${table}(${a} INTEGER PRIMARY KEY, ${b}, ${c} TEXT UNIQUE, ${d}${rest})`,
          `CREATE UNIQUE INDEX odd_expression ON ${table}(${b} || coalesce(${d}, ''))`,
        ],
        [a, c],
      ),
      values: integers,
    }),
    () =>
      written(
        [
          `CREATE TABLE ${table}(${a}, ${b} TEXT COLLATE NOCASE, ${c}, ${d}${rest}, UNIQUE(${c}, ${b}))`,
          `CREATE UNIQUE INDEX odd_partial ON ${table}(${a}) WHERE ${d} IS NOT NULL AND ${d} <> 2`,
        ],
        [`${c}, ${b}`],
      ),
    () =>
      written(
        [
          `CREATE TABLE ${table}(${a} TEXT, ${b} INT, ${c}, ${d}${rest}, PRIMARY KEY(${a}, ${b} DESC)) WITHOUT ROWID`,
          `CREATE UNIQUE INDEX odd_key ON ${table}(${c}, lower(${d}))`,
        ],
        [`${a}, ${b}`],
      ),
    () => ({
      ...written(
        [
          `CREATE TABLE ${table}("gen erated" TEXT AS (${b} || ${c}) UNIQUE, ${a} INTEGER PRIMARY KEY, ${b}, ${c}, ${d} NOT NULL DEFAULT 4${rest})`,
        ],
        [a],
      ),
      values: integers,
    }),
    () => written([`CREATE TABLE ${table}(rowid, oid, _rowid_${columnsBeside(columns)})`], []),
  ])();
}

/** `columns` without the rowid's names, each with a comma before it. */
function columnsBeside(columns: readonly string[]): string {
  return columns
    .filter((name) => !["rowid", "oid", "_rowid_"].includes(name))
    .map((name) => `, ${q(name)}`)
    .join("");
}
