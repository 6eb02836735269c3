import type { Table } from "./catalog.ts";
import { parseIdentifier, isWord, tokenizeSql, type SqlToken } from "./sql-tokens.ts";
import { lowerAscii } from "../lib/ascii-case.ts";

/** How a virtual table can be restored. */
export type VirtualTableKind =
  /** FTS5 with its own content, and R-Trees: rows are exported. */
  | { kind: "rows" }
  /** FTS5 over the content of another table or view: rebuilt from it. */
  | ExternalContent
  /** FTS5 that stores no content: its rows cannot be read. */
  | { kind: "contentless" }
  /** Made from another table: `fts5vocab`. */
  | { kind: "derived" }
  /** A module that this project does not know. */
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

/** Returns the module's name, which follows USING, in lower case; "" if there is none. */
export function findModule(sql: string): string {
  let afterUsing = false;
  for (const token of tokenizeSql(sql)) {
    if (afterUsing) return lowerAscii(parseIdentifier(token));
    afterUsing = isWord(token, "USING");
  }
  return "";
}

/**
 * True if the virtual table with this text creates a shadow table called `<name>_<suffix>`.
 * https://www.sqlite.org/fts5.html#fts5_data_structures says which ones FTS5 omits.
 */
export function makesShadow(sql: string, suffix: string): boolean {
  if (findModule(sql) !== "fts5") return true;
  if (suffix === "docsize") return findOption(sql, "columnsize") !== "0";
  if (suffix !== "content") return true;
  const content = findOption(sql, "content");
  const keepsUnindexed = content === "" && findOption(sql, "contentless_unindexed") === "1";
  return content === undefined || keepsUnindexed;
}

/** The suffixes of a module's shadow tables. */
const SHADOW_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  fts5: ["config", "content", "data", "docsize", "idx"],
  rtree: ["node", "parent", "rowid"],
  rtree_i32: ["node", "parent", "rowid"],
};

/**
 * True if SQLite treats a table of this name as a shadow table of `owner`, no matter who created
 * it.
 */
export function bearsShadowName(name: string, owner: Table): boolean {
  const suffixes = SHADOW_SUFFIXES[owner.module ?? ""] ?? [];
  return suffixes.some((suffix) => lowerAscii(name) === `${lowerAscii(owner.name)}_${suffix}`);
}

/** FTS5's options in the order in which it matches abbreviations. */
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
 * Returns the value of `name = value` among the module's arguments; undefined if it is missing.
 * FTS5 accepts abbreviated names.
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
