import type { DatabaseSync } from "node:sqlite";
import { lowerAscii, upperAscii } from "../src/lib/ascii-case.ts";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { hasWord } from "../src/sqlite/sql-tokens.ts";
import { findModule } from "../src/sqlite/virtual-table.ts";
import { decodeText, readEncoding } from "./sql-literal.ts";
import type { TextEncodingName } from "./sql-literal.ts";
import { probeVirtualTable } from "./virtual-table.ts";
import type { VirtualContent } from "./virtual-table.ts";

export interface Column {
  name: string;
  /** False for generated columns, which are computed and never written. */
  stored: boolean;
}

/** What identifies a row: a rowid, the primary key, or a rowid that has no accessible name. */
export type RowIdentity = "rowid" | "key" | "hidden-rowid";

export interface Table {
  name: string;
  sql: string;
  /** Hidden columns of virtual tables are not listed. */
  columns: Column[];
  identity: RowIdentity;
  /** A name by which the rowid can be read and written. Undefined if there is none, or none is free. */
  rowidName: string | undefined;
  /** True if a column is the rowid (INTEGER PRIMARY KEY), so that it is not written twice. */
  rowidIsColumn: boolean;
  /** True for AUTOINCREMENT: the table has a row in `sqlite_sequence`. */
  isCounted: boolean;
  /** Undefined for ordinary tables. */
  virtual: { module: string; content: VirtualContent } | undefined;
}

export interface SchemaObject {
  type: "index" | "view" | "trigger";
  name: string;
  sql: string;
}

/** What a restored database lacks, and why, as a phrase. */
export interface LeftOut {
  name: string;
  reason: string;
}

export interface Schema {
  tables: Table[];
  /** Indexes, then views, then triggers; each kind in the order of creation. */
  objects: SchemaObject[];
  /**
   * True if AUTOINCREMENT created `sqlite_sequence`; the table stays when the last table that uses
   * it is dropped.
   */
  hasSequence: boolean;
  /** Tables that this SQLite cannot open. */
  leftOut: LeftOut[];
}

/** AUTOINCREMENT's table. Its rows have an order, but their rowids carry no meaning. */
export const SEQUENCE_TABLE: Table = {
  name: "sqlite_sequence",
  sql: "",
  columns: ["name", "seq"].map((name) => ({ name, stored: true })),
  identity: "rowid",
  rowidName: undefined,
  rowidIsColumn: true,
  isCounted: false,
  virtual: undefined,
};

/**
 * Reads the contents of a database. It does not list the shadow tables of virtual tables or
 * SQLite's own tables (such as `sqlite_stat1`), which come with their owners. Throws if the text of
 * a definition is not valid in the database's encoding.
 */
export function readSchema(db: DatabaseSync): Schema {
  const kinds = readTableKinds(db);
  const entries = readEntries(db);
  const schema: Schema = { tables: [], objects: [], hasSequence: false, leftOut: [] };
  const shadowTables = new Set<string>();
  const tables: { name: string; sql: string; kind: TableKind | undefined }[] = [];
  for (const { type, name, sql } of entries) {
    if (name === "sqlite_sequence") schema.hasSequence = true;
    if (sql === undefined || name.startsWith("sqlite_")) continue;
    if (type !== "table") {
      schema.objects.push({ type: type as SchemaObject["type"], name, sql });
      continue;
    }
    const kind = kinds.get(name);
    tables.push({ name, sql, kind });
    if (kind?.type !== "virtual") continue;
    const module = findModule(sql);
    kind.probed = { module, ...probeVirtualTable({ name, sql }, module) };
    for (const shadow of kind.probed.shadowTables) shadowTables.add(lowerAscii(shadow));
  }
  for (const { name, sql, kind } of tables) {
    // SQLite goes only by the name: a user's own table may look like a shadow table.
    if (kind?.type === "shadow" && shadowTables.has(lowerAscii(name))) continue;
    try {
      if (kind === undefined) throw new Error("SQLite does not list it as a table");
      schema.tables.push(readTable(db, { name, sql, kind }));
    } catch (error) {
      schema.leftOut.push({ name, reason: (error as Error).message });
    }
  }
  const order = ["index", "view", "trigger"];
  schema.objects.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
  return schema;
}

interface Entry {
  type: string;
  name: string;
  /** Undefined for indexes that SQLite creates for a constraint. */
  sql: string | undefined;
}

/** Reads bytes: in JavaScript's strings invalid text would look like valid text. */
function readEntries(db: DatabaseSync): Entry[] {
  const encoding = readEncoding(db);
  const select = "SELECT type, CAST(name AS BLOB) AS name, CAST(sql AS BLOB) AS sql";
  const rows = db.prepare(`${select} FROM sqlite_schema ORDER BY rowid`).all();
  return rows.map((row) => {
    const type = String(row["type"]);
    const name = decodeEntry(row["name"] as Uint8Array, encoding, `the name of a ${type}`);
    const sql = row["sql"] as Uint8Array | null;
    const what = `the definition of ${type} ${name}`;
    return { type, name, sql: sql === null ? undefined : decodeEntry(sql, encoding, what) };
  });
}

function decodeEntry(bytes: Uint8Array, encoding: TextEncodingName, what: string): string {
  const text = decodeText(bytes, encoding);
  if (text === undefined) throw new Error(`${what} is not valid ${encoding}`);
  return text;
}

interface TableKind {
  type: "table" | "virtual" | "shadow" | "view";
  isWithoutRowid: boolean;
  probed?: { module: string; content: VirtualContent; shadowTables: string[] };
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
  { name, sql, kind }: { name: string; sql: string; kind: TableKind },
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
  if (kind.probed !== undefined) {
    // Proves that the module is known: preparing the statement connects the table.
    db.prepare(`SELECT 1 FROM ${quoteIdentifier(name)}`);
    const { module, content } = kind.probed;
    // An R-Tree's first column is its rowid.
    const rowidIsColumn = module.startsWith("rtree");
    const rowidName = module === "fts5" || rowidIsColumn ? "rowid" : undefined;
    const virtual = { module, content };
    return {
      name,
      sql,
      columns,
      identity: "rowid",
      rowidName,
      rowidIsColumn,
      isCounted: false,
      virtual,
    };
  }
  const taken = new Set(info.map((column) => lowerAscii(column.name)));
  const rowidName = kind.isWithoutRowid
    ? undefined
    : ["rowid", "_rowid_", "oid"].find((candidate) => !taken.has(candidate));
  const rowidIsColumn = !kind.isWithoutRowid && hasRowidColumn(db, name, info);
  const hasRowid = rowidName !== undefined || rowidIsColumn;
  const identity = kind.isWithoutRowid ? "key" : hasRowid ? "rowid" : "hidden-rowid";
  const isCounted = rowidIsColumn && hasWord(sql, "AUTOINCREMENT");
  return { name, sql, columns, identity, rowidName, rowidIsColumn, isCounted, virtual: undefined };
}

/** True for INTEGER PRIMARY KEY. With DESC, it is not a rowid, but has its own index. */
function hasRowidColumn(
  db: DatabaseSync,
  table: string,
  info: readonly { type: string; pk: number }[],
): boolean {
  const keys = info.filter(({ pk }) => pk > 0);
  if (keys.length !== 1 || upperAscii(keys[0]?.type ?? "") !== "INTEGER") return false;
  const keyIndexes = db.prepare("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'");
  return keyIndexes.get(table) === undefined;
}
