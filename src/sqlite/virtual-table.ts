import type { Table } from "./catalog.ts";
import { parseIdentifier, isWord, tokenizeSql, type SqlToken } from "./sql-tokens.ts";
import { lowerAscii } from "../lib/ascii-case.ts";

/** What it takes to restore a virtual table. */
export type VirtualTableKind =
  /** FTS5 with its own content, and R-Trees: rows are exported. */
  | { kind: "rows" }
  /** FTS5 over another table's or view's content: built anew from it. */
  | ExternalContent
  /** FTS5 that keeps no content: its rows cannot be read back. */
  | { kind: "contentless" }
  /** Made from another table: `fts5vocab`. */
  | { kind: "derived" }
  /** A module this project does not know. */
  | { kind: "unknown" };

/** FTS5 over the rows of another table or view. */
export interface ExternalContent {
  kind: "rebuild";
  content: string;
  /** The column of `content` that holds the ids of the index. */
  contentRowid: string;
  /** True if `<name>_docsize` lists the indexed ids. */
  hasDocsize: boolean;
}

export function classifyVirtualTable(table: Table): VirtualTableKind {
  switch (table.module) {
    case "rtree":
    case "rtree_i32":
      return { kind: "rows" };
    case "fts5vocab":
      return { kind: "derived" };
    case "fts5": {
      const content = findOption(table.sql, "content");
      if (content === undefined) return { kind: "rows" };
      if (content === "") return { kind: "contentless" };
      const contentRowid = findOption(table.sql, "content_rowid") ?? "rowid";
      const hasDocsize = makesShadow(table.sql, "docsize");
      return { kind: "rebuild", content, contentRowid, hasDocsize };
    }
    default:
      return { kind: "unknown" };
  }
}

/** The module's name, which follows USING. Lower case; "" if there is none. */
export function findModule(sql: string): string {
  let afterUsing = false;
  for (const token of tokenizeSql(sql)) {
    if (afterUsing) return lowerAscii(parseIdentifier(token));
    afterUsing = isWord(token, "USING");
  }
  return "";
}

/**
 * True if the virtual table of this text makes a shadow table of its name and `_suffix`.
 * https://www.sqlite.org/fts5.html#fts5_data_structures says which ones FTS5 does without.
 */
export function makesShadow(sql: string, suffix: string): boolean {
  if (findModule(sql) !== "fts5") return true;
  if (suffix === "docsize") return findOption(sql, "columnsize") !== "0";
  if (suffix !== "content") return true;
  const content = findOption(sql, "content");
  const keepsUnindexed = content === "" && findOption(sql, "contentless_unindexed") === "1";
  return content === undefined || keepsUnindexed;
}

/** What the names of a module's shadow tables end in. */
const SHADOW_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  fts5: ["config", "content", "data", "docsize", "idx"],
  rtree: ["node", "parent", "rowid"],
  rtree_i32: ["node", "parent", "rowid"],
};

/** True if SQLite takes a table of this name for a shadow table of `owner`, no matter who created it. */
export function bearsShadowName(name: string, owner: Table): boolean {
  const suffixes = SHADOW_SUFFIXES[owner.module ?? ""] ?? [];
  return suffixes.some((suffix) => lowerAscii(name) === `${lowerAscii(owner.name)}_${suffix}`);
}

/** FTS5's options in the order in which it looks for the one that is meant. */
const OPTIONS = [
  "prefix",
  "tokenize",
  "content",
  "contentless_delete",
  "contentless_unindexed",
  "content_rowid",
  "columnsize",
  "locale",
  "detail",
  "tokendata",
];

/**
 * Value of `name = value` among the module's arguments; undefined if it is missing. FTS5 takes
 * the beginning of a name for the whole of it.
 */
export function findOption(sql: string, name: string): string | undefined {
  const tokens: SqlToken[] = [...tokenizeSql(sql)];
  for (let at = 1; at + 2 < tokens.length; at += 1) {
    const [before, key, equals, value] = tokens.slice(at - 1, at + 3) as [
      SqlToken,
      SqlToken,
      SqlToken,
      SqlToken,
    ];
    if (
      (before.text === "(" || before.text === ",") &&
      OPTIONS.find((option) => option.startsWith(lowerAscii(key.text))) === name &&
      equals.text === "="
    ) {
      return value.kind === "string"
        ? value.text.slice(1, -1).replaceAll("''", "'")
        : parseIdentifier(value);
    }
  }
  return undefined;
}
