import type {
  Affinity,
  Catalog,
  Column,
  ForeignKey,
  KeyColumn,
  SchemaObject,
  Table,
  TableIndex,
} from "../model/catalog.ts";
import { ExportError } from "../model/error.ts";
import { isForeignObject, isOwnObject, SNAPSHOT_PREFIX } from "./own-objects.ts";
import { hasWord } from "./sql-tokens.ts";
import { makesShadow, moduleOf } from "./virtual-table.ts";
import { decodeUtf8 } from "../lib/bytes.ts";

type Value = ArrayBuffer | string | number | null;
type Rows = Value[][];

/** A snapshot's objects may be many times the database's own, and no catalog has them. */
function isNotOfSnapshot(name: string): string {
  const prefix = `${SNAPSHOT_PREFIX}_`;
  return `substr(${name}, 1, ${prefix.length}) <> '${prefix}'`;
}

/** What a reader of pragma functions must leave out: naming `_cf_KV` in one is refused. */
const READABLE =
  "m.schema = 'main' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND m.type IN ('table', 'virtual', 'shadow') " +
  `AND ${isNotOfSnapshot("m.name")}`;

/** Reads what a catalog follows from; its result goes to `parseSchema`. */
export const SCHEMA_QUERY = `SELECT type, CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)
     FROM sqlite_master WHERE ${isNotOfSnapshot("name")} ORDER BY rowid`;

/**
 * The statements that read a catalog, to be run in one turn of the source; their results go to
 * `parseCatalog` in the same order. Names and texts are read as BLOBs, so that nothing is decoded
 * on the way that is not valid UTF-8.
 */
export const CATALOG_QUERIES: readonly string[] = [
  SCHEMA_QUERY,
  `SELECT CAST(m.name AS BLOB), m.type, m.wr, m.strict FROM pragma_table_list AS m WHERE ${READABLE}`,
  `SELECT CAST(m.name AS BLOB), CAST(x.name AS BLOB), x.type, x."notnull", x.dflt_value, x.pk, x.hidden
     FROM pragma_table_list AS m, pragma_table_xinfo(m.name) AS x WHERE ${READABLE} ORDER BY m.name, x.cid`,
  `SELECT CAST(m.name AS BLOB), CAST(i.name AS BLOB), i."unique", i.origin, i.partial
     FROM pragma_table_list AS m, pragma_index_list(m.name) AS i
     WHERE ${READABLE} AND m.type <> 'virtual' ORDER BY m.name, i.seq DESC`,
  `SELECT CAST(i.name AS BLOB), x.cid, CAST(x.name AS BLOB), x."desc", x.coll
     FROM pragma_table_list AS m, pragma_index_list(m.name) AS i, pragma_index_xinfo(i.name) AS x
     WHERE ${READABLE} AND m.type <> 'virtual' AND x.key ORDER BY i.name, x.seqno`,
  `SELECT CAST(m.name AS BLOB), CAST(f."table" AS BLOB), CAST(f."from" AS BLOB), CAST(f."to" AS BLOB), f.on_update, f.on_delete, f.id
     FROM pragma_table_list AS m, pragma_foreign_key_list(m.name) AS f
     WHERE ${READABLE} AND m.type <> 'virtual' ORDER BY m.name, f.id, f.seq`,
];

/**
 * The catalog from the results of `CATALOG_QUERIES`.
 * Errors: `catalog-unreadable` where a name or a text is not valid UTF-8.
 */
export function parseCatalog(results: readonly Rows[]): Catalog {
  const [master, list, columns, indexes, terms, foreignKeys] = results as [
    Rows,
    Rows,
    Rows,
    Rows,
    Rows,
    Rows,
  ];
  const kinds = new Map(list.map((row) => [textOf(row[0]), row]));
  const columnsOf = groupBy(columns);
  const indexesOf = groupBy(indexes);
  const termsOf = groupBy(terms);
  const foreignKeysOf = groupBy(foreignKeys);
  const catalog: Catalog = { tables: [], indexes: [], views: [], triggers: [], hasSequence: false };
  const objects = master.map(schemaEntryOf);
  const sqlOf = new Map(objects.map((object) => [object.name, object.sql]));

  for (const object of objects) {
    if (object.name === "sqlite_sequence") catalog.hasSequence = true;
    if (!isExported(object)) continue;
    const entry: SchemaObject = {
      name: object.name,
      tableName: object.tableName,
      sql: object.sql,
    };
    if (object.type === "index") catalog.indexes.push(entry);
    else if (object.type === "view") catalog.views.push(entry);
    else if (object.type === "trigger") catalog.triggers.push(entry);
    else {
      const kind = kinds.get(object.name);
      if (kind === undefined || (kind[1] === "shadow" && isShadow(object.name, sqlOf))) continue;
      catalog.tables.push(
        tableOf({
          entry,
          virtual: kind[1] === "virtual",
          withoutRowid: kind[2] === 1,
          strict: kind[3] === 1,
          columns: (columnsOf.get(object.name) ?? []).map(columnOf),
          indexes: (indexesOf.get(object.name) ?? []).map((row) => indexOf(row, termsOf, sqlOf)),
          foreignKeys: (foreignKeysOf.get(object.name) ?? []).map(foreignKeyOf),
        }),
      );
    }
  }
  return catalog;
}

/** An object of a schema as `sqlite_master` lists it. */
export interface SchemaEntry extends SchemaObject {
  type: string;
}

/**
 * The objects of a schema that a dump may hold, from the result of `SCHEMA_QUERY`. Where they are
 * equal, so are the catalogs. Errors: `catalog-unreadable`.
 */
export function parseSchema(rows: Rows): SchemaEntry[] {
  return rows.map(schemaEntryOf).filter(isExported);
}

function schemaEntryOf(row: Value[]): SchemaEntry {
  return {
    type: String(row[0]),
    name: textOf(row[1]),
    tableName: textOf(row[2]),
    sql: row[3] === null ? "" : textOf(row[3]),
  };
}

function isExported({ name, tableName, sql }: SchemaEntry): boolean {
  return (
    sql !== "" && [name, tableName].every((each) => !isForeignObject(each) && !isOwnObject(each))
  );
}

/**
 * True for a table that its virtual table writes anew when that is restored. SQLite goes by names
 * alone: a customer's own table may look like a shadow table that its FTS5 table has no need of.
 */
function isShadow(name: string, sqlOf: Map<string, string>): boolean {
  const tail = name.lastIndexOf("_");
  const owner = name.slice(0, tail).toLowerCase();
  const ownerSql = [...sqlOf].find(([other]) => other.toLowerCase() === owner)?.[1];
  return ownerSql === undefined || makesShadow(ownerSql, name.slice(tail + 1).toLowerCase());
}

function tableOf(read: {
  entry: SchemaObject;
  virtual: boolean;
  withoutRowid: boolean;
  strict: boolean;
  columns: Column[];
  indexes: TableIndex[];
  foreignKeys: ForeignKey[];
}): Table {
  const kind = read.virtual ? "virtual" : read.withoutRowid ? "without-rowid" : "rowid";
  const integerPrimaryKey =
    kind === "rowid" ? findRowidAlias(read.columns, read.indexes) : undefined;
  const rowidName =
    kind === "without-rowid" ? undefined : (integerPrimaryKey ?? findFreeRowidName(read.columns));
  const table: Table = {
    name: read.entry.name,
    sql: read.entry.sql,
    kind,
    strict: read.strict,
    autoincrement: kind === "rowid" && hasWord(read.entry.sql, "AUTOINCREMENT"),
    columns: read.columns,
    indexes: read.indexes,
    foreignKeys: read.foreignKeys,
    key: keyOf(rowidName, kind, read.indexes, read.columns),
  };
  // In a STRICT table ANY means that nothing is converted; elsewhere the word is unknown, thus NUMERIC.
  if (read.strict) {
    for (const column of read.columns) {
      if (column.type.toUpperCase() === "ANY") column.affinity = "blob";
    }
  }
  if (rowidName !== undefined) table.rowidName = rowidName;
  if (integerPrimaryKey !== undefined) table.integerPrimaryKey = integerPrimaryKey;
  if (kind === "virtual") table.module = moduleOf(read.entry.sql);
  return table;
}

/** `INTEGER PRIMARY KEY DESC` is no alias of the rowid, and shows by having an index. */
function findRowidAlias(columns: Column[], indexes: TableIndex[]): string | undefined {
  const keys = columns.filter((column) => column.primaryKey > 0);
  const only = keys.length === 1 ? keys[0] : undefined;
  if (only === undefined || only.type.toUpperCase() !== "INTEGER") return undefined;
  return indexes.some((index) => index.origin === "pk") ? undefined : only.name;
}

function findFreeRowidName(columns: Column[]): string | undefined {
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
}

function keyOf(
  rowidName: string | undefined,
  kind: Table["kind"],
  indexes: TableIndex[],
  columns: Column[],
): KeyColumn[] {
  if (rowidName !== undefined) {
    return [{ name: rowidName, descending: false, collation: "BINARY", integer: true }];
  }
  const notNull = new Set(columns.filter((column) => column.notNull).map((column) => column.name));
  const index =
    kind === "without-rowid"
      ? indexes.find((candidate) => candidate.origin === "pk")
      : indexes.find(
          (candidate) =>
            candidate.unique &&
            !candidate.partial &&
            candidate.terms.every((term) => term.column !== undefined && notNull.has(term.column)),
        );
  return (index?.terms ?? []).map((term) => ({
    name: term.column ?? "",
    descending: term.descending,
    collation: term.collation,
    integer: false,
  }));
}

function columnOf(row: Value[]): Column {
  const type = String(row[2] ?? "");
  const hidden = Number(row[6]);
  const column: Column = {
    name: textOf(row[1]),
    type,
    affinity: affinityOf(type),
    notNull: row[3] === 1,
    primaryKey: Number(row[5]),
    generated: hidden === 0 ? "no" : hidden === 1 ? "hidden" : hidden === 2 ? "virtual" : "stored",
  };
  if (row[4] !== null && row[4] !== undefined) column.defaultSql = String(row[4]);
  return column;
}

/** SQLite's rules, https://www.sqlite.org/datatype3.html#determination_of_column_affinity. */
function affinityOf(type: string): Affinity {
  const upper = type.toUpperCase();
  if (upper.includes("INT")) return "integer";
  if (upper.includes("CHAR") || upper.includes("CLOB") || upper.includes("TEXT")) return "text";
  if (upper === "" || upper.includes("BLOB")) return "blob";
  if (upper.includes("REAL") || upper.includes("FLOA") || upper.includes("DOUB")) return "real";
  return "numeric";
}

function indexOf(row: Value[], termsOf: Map<string, Rows>, sqlOf: Map<string, string>): TableIndex {
  const name = textOf(row[1]);
  const index: TableIndex = {
    name,
    unique: row[2] === 1,
    origin: String(row[3]) as TableIndex["origin"],
    partial: row[4] === 1,
    terms: (termsOf.get(name) ?? []).map((term) => ({
      ...(Number(term[1]) >= 0 ? { column: textOf(term[2]) } : {}),
      descending: term[3] === 1,
      collation: String(term[4]).toUpperCase(),
    })),
  };
  const sql = sqlOf.get(name);
  if (sql !== undefined && sql !== "") index.sql = sql;
  return index;
}

function foreignKeyOf(row: Value[]): ForeignKey {
  const key: ForeignKey = {
    parent: textOf(row[1]),
    from: textOf(row[2]),
    onUpdate: String(row[4]),
    onDelete: String(row[5]),
    number: Number(row[6]),
  };
  if (row[3] !== null && row[3] !== undefined) key.to = textOf(row[3]);
  return key;
}

function groupBy(rows: Rows): Map<string, Rows> {
  const groups = new Map<string, Rows>();
  for (const row of rows) {
    const name = textOf(row[0]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

function textOf(value: Value | undefined): string {
  if (value instanceof ArrayBuffer) {
    try {
      return decodeUtf8(new Uint8Array(value));
    } catch (cause) {
      throw new ExportError("catalog-unreadable", "a name in the schema is not valid UTF-8", {
        cause,
      });
    }
  }
  return String(value ?? "");
}
