import type { DatabaseSync } from "node:sqlite";
import { quoteName } from "./sql-literal.ts";

export interface Column {
  name: string;
  /** False for generated columns, which are computed and never written. */
  stored: boolean;
}

/**
 * How a virtual table gets its content: `rows` are inserted, `rebuild` takes them from another
 * table, and with `none` there is nothing to read back (contentless FTS5) or to write (fts5vocab).
 */
export type VirtualContent = "rows" | "rebuild" | "none";

export interface Table {
  name: string;
  sql: string;
  /** Hidden columns of virtual tables are not listed. */
  columns: Column[];
  /** A name by which its rowid can be read and written. Undefined where it has none, or none is free. */
  rowidName: string | undefined;
  /** True where a column is the rowid (INTEGER PRIMARY KEY), so that it need not be written twice. */
  rowidIsColumn: boolean;
  /** Undefined for ordinary tables. */
  virtual: { module: string; content: VirtualContent } | undefined;
}

export interface SchemaObject {
  type: "index" | "view" | "trigger";
  name: string;
  sql: string;
}

export interface LeftOut {
  name: string;
  reason: string;
}

export interface Schema {
  tables: Table[];
  /** Indexes, then views, then triggers; each kind in the order of its creation. */
  objects: SchemaObject[];
  /** Whether AUTOINCREMENT has made `sqlite_sequence`. */
  hasSequence: boolean;
  /** Virtual tables that this SQLite cannot open. */
  leftOut: LeftOut[];
}

/**
 * Reads what a database consists of. Shadow tables of virtual tables and SQLite's own tables
 * (`sqlite_stat1` and the like) are not listed: they come with what they belong to.
 */
export function readSchema(db: DatabaseSync): Schema {
  const kinds = readTableKinds(db);
  const schema: Schema = { tables: [], objects: [], hasSequence: false, leftOut: [] };
  for (const row of db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY rowid").all()) {
    const { type, name, sql } = row as { type: string; name: string; sql: string | null };
    if (name === "sqlite_sequence") schema.hasSequence = true;
    if (sql === null || name.startsWith("sqlite_")) continue;
    if (type !== "table") {
      schema.objects.push({ type: type as SchemaObject["type"], name, sql });
      continue;
    }
    const kind = kinds.get(name);
    if (kind === undefined || kind.type === "shadow") continue;
    try {
      schema.tables.push(readTable(db, { name, sql, ...kind }));
    } catch (error) {
      schema.leftOut.push({ name, reason: (error as Error).message });
    }
  }
  const order = ["index", "view", "trigger"];
  schema.objects.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
  return schema;
}

interface TableKind {
  type: "table" | "virtual" | "shadow" | "view";
  isWithoutRowid: boolean;
}

function readTableKinds(db: DatabaseSync): Map<string, TableKind> {
  const rows = db.prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'");
  return new Map(
    rows.all().map((row) => {
      const { name, type, wr } = row as { name: string; type: TableKind["type"]; wr: number };
      return [name, { type, isWithoutRowid: wr === 1 }];
    }),
  );
}

function readTable(
  db: DatabaseSync,
  { name, sql, type, isWithoutRowid }: { name: string; sql: string } & TableKind,
): Table {
  const info = db.prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)").all(name) as {
    name: string;
    type: string;
    pk: number;
    hidden: number;
  }[];
  const columns = info
    .filter(({ hidden }) => hidden !== 1)
    .map((column) => ({ name: column.name, stored: column.hidden === 0 }));
  if (type === "virtual") {
    // Proves that the module is known: preparing the statement connects the table.
    db.prepare(`SELECT 1 FROM ${quoteName(name)}`);
    const virtual = readVirtual(sql);
    const rowidName = virtual.module === "fts5" ? "rowid" : undefined;
    return { name, sql, columns, rowidName, rowidIsColumn: false, virtual };
  }
  const taken = new Set(info.map((column) => column.name.toLowerCase()));
  const rowidName = isWithoutRowid
    ? undefined
    : ["rowid", "_rowid_", "oid"].find((candidate) => !taken.has(candidate));
  const keys = info.filter(({ pk }) => pk > 0);
  // `INTEGER PRIMARY KEY DESC` is no rowid, but has an index of its own.
  const hasKeyIndex =
    db.prepare("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'").get(name) !== undefined;
  const rowidIsColumn =
    !isWithoutRowid &&
    keys.length === 1 &&
    keys[0]?.type.toUpperCase() === "INTEGER" &&
    !hasKeyIndex;
  return { name, sql, columns, rowidName, rowidIsColumn, virtual: undefined };
}

function readVirtual(sql: string): { module: string; content: VirtualContent } {
  const found = /\bUSING\s+["'`[]?(\w+)["'`\]]?\s*(?:\(([\s\S]*)\))?/i.exec(sql);
  const module = (found?.[1] ?? "").toLowerCase();
  if (module === "fts5vocab") return { module, content: "none" };
  if (module !== "fts5") return { module, content: "rows" };
  const content = /(?:^|,)\s*content\s*=\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s,]*)/i.exec(
    found?.[2] ?? "",
  );
  if (content === null) return { module, content: "rows" };
  return { module, content: /^(?:''|""|)$/.test(content[1] ?? "") ? "none" : "rebuild" };
}
