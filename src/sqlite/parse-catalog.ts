import type {
  Affinity,
  Catalog,
  Column,
  ForeignKey,
  KeyColumn,
  SchemaEntry,
  SchemaObject,
  Table,
  TableIndex,
} from "./catalog.ts";
import { ExportError } from "../api/errors.ts";
import { isRestoreObject, isSnapshotNameSql, withoutOwnObjects } from "./own-objects.ts";
import { CAN_EXPORT_KEY_VALUES, KEY_VALUES_TABLE } from "./key-values.ts";
import type { SqlValue } from "./sql-value.ts";
import { hasWord } from "./sql-tokens.ts";
import { makesShadow, findModule } from "./virtual-table.ts";
import { lowerAscii, upperAscii } from "../lib/ascii-case.ts";
import { decodeUtf8 } from "../lib/bytes.ts";

type Rows = SqlValue[][];

/**
 * The condition that leaves out objects which pragma functions must not read: a query that names
 * `_cf_KV` in one is refused. A snapshot may have many more objects than the database itself, and
 * no catalog contains them.
 */
const READABLE =
  "m.schema = 'main' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND m.type IN ('table', 'virtual', 'shadow') " +
  `AND NOT ${isSnapshotNameSql("m.name")}`;

/** Reads the schema, from which a catalog follows; its result goes to `parseSchema`. */
export const SCHEMA_QUERY = `SELECT type, CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)
     FROM sqlite_master WHERE NOT (type IN ('table', 'trigger') AND ${isSnapshotNameSql("name")}) ORDER BY rowid`;

/**
 * The statements that read a catalog, in one turn of the source. Their results go to `parseCatalog`
 * in the same order. Names and texts are read as BLOBs, so that no invalid UTF-8 is decoded on the
 * way.
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
  CAN_EXPORT_KEY_VALUES,
];

/**
 * Returns the catalog from the results of `CATALOG_QUERIES`. Errors: `catalog-unreadable` if a name
 * or a text is not valid UTF-8.
 */
export function parseCatalog(results: readonly Rows[]): Catalog {
  const [master, list, columns, indexes, terms, foreignKeys, keyValues] = results as [
    Rows,
    Rows,
    Rows,
    Rows,
    Rows,
    Rows,
    Rows,
  ];
  const kinds = new Map(list.map((row) => [toText(row[0]), row]));
  const columnsOf = groupBy(columns);
  const indexesOf = groupBy(indexes);
  const termsOf = groupBy(terms);
  const foreignKeysOf = groupBy(foreignKeys);
  const catalog: Catalog = { tables: [], indexes: [], views: [], triggers: [], hasSequence: false };
  const objects = master.map(parseSchemaEntry);
  catalog.hasSequence = objects.some((object) => object.name === "sqlite_sequence");
  // By type: a trigger may have the name of a table or an index.
  const indexSqlOf = new Map(
    objects.flatMap(({ type, name, sql }) => (type === "index" ? [[name, sql]] : [])),
  );
  const virtualSqlOf = new Map(
    objects.flatMap(({ type, name, sql }) =>
      type === "table" && kinds.get(name)?.[1] === "virtual" ? [[lowerAscii(name), sql]] : [],
    ),
  );

  if (objects.some((object) => object.name === KEY_VALUES_TABLE)) {
    catalog.keyValues = keyValues.length > 0 ? "exportable" : "unreadable";
  }
  for (const object of exportedObjects(objects)) {
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
      const shadowNamed = kind?.[1] === "shadow";
      if (kind === undefined || (shadowNamed && isShadow(object.name, virtualSqlOf))) continue;
      catalog.tables.push(
        parseTable({
          entry,
          virtual: kind[1] === "virtual",
          shadowNamed,
          withoutRowid: kind[2] === 1,
          strict: kind[3] === 1,
          columns: (columnsOf.get(object.name) ?? []).map(parseColumn),
          indexes: (indexesOf.get(object.name) ?? []).map((row) =>
            parseIndex(row, termsOf, indexSqlOf),
          ),
          foreignKeys: (foreignKeysOf.get(object.name) ?? []).map(parseForeignKey),
        }),
      );
    }
  }
  return catalog;
}

/**
 * Returns the objects of a schema that a dump may contain, from the result of `SCHEMA_QUERY`. If
 * two such results are equal, so are the catalogs. Errors: `catalog-unreadable`.
 */
export function parseSchema(rows: Rows): SchemaEntry[] {
  return exportedObjects(rows.map(parseSchemaEntry));
}

/** True if a restore keeps something in a database, from the result of `SCHEMA_QUERY`. Errors: `catalog-unreadable`. */
export function hasRestore(rows: Rows): boolean {
  return rows.map(parseSchemaEntry).some(({ name, sql }) => isRestoreObject(name, sql));
}

/** Leaves out objects that SQLite creates automatically, such as the index of a PRIMARY KEY. */
function exportedObjects(objects: readonly SchemaEntry[]): SchemaEntry[] {
  return withoutOwnObjects(objects).filter(({ sql }) => sql !== "");
}

function parseSchemaEntry(row: SqlValue[]): SchemaEntry {
  return {
    type: String(row[0]),
    name: toText(row[1]),
    tableName: toText(row[2]),
    sql: row[3] === null ? "" : toText(row[3]),
  };
}

/**
 * True for a table that its virtual table creates when it is restored. SQLite goes only by names,
 * and remembers them until it reads the schema again. So a customer's own table may look like a
 * shadow table: one that its FTS5 table does not need, or whose FTS5 table was dropped.
 */
function isShadow(name: string, virtualSqlOf: Map<string, string>): boolean {
  const tail = name.lastIndexOf("_");
  const ownerSql = virtualSqlOf.get(lowerAscii(name.slice(0, tail)));
  return ownerSql !== undefined && makesShadow(ownerSql, lowerAscii(name.slice(tail + 1)));
}

function parseTable(read: {
  entry: SchemaObject;
  virtual: boolean;
  shadowNamed: boolean;
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
    key: chooseKey(rowidName, kind, read.indexes, read.columns),
  };
  // In a STRICT table, ANY means that nothing is converted; elsewhere the word is unknown, so the
  // affinity is NUMERIC.
  if (read.strict) {
    for (const column of read.columns) {
      if (upperAscii(column.type) === "ANY") column.affinity = "blob";
    }
  }
  if (rowidName !== undefined) table.rowidName = rowidName;
  if (integerPrimaryKey !== undefined) table.integerPrimaryKey = integerPrimaryKey;
  if (kind === "virtual") table.module = findModule(read.entry.sql);
  if (read.shadowNamed) table.shadowNamed = true;
  return table;
}

/** `INTEGER PRIMARY KEY DESC` is not an alias of the rowid; it is recognized by its index. */
function findRowidAlias(columns: Column[], indexes: TableIndex[]): string | undefined {
  const keys = columns.filter((column) => column.primaryKey > 0);
  const only = keys.length === 1 ? keys[0] : undefined;
  if (only === undefined || upperAscii(only.type) !== "INTEGER") return undefined;
  return indexes.some((index) => index.origin === "pk") ? undefined : only.name;
}

function findFreeRowidName(columns: Column[]): string | undefined {
  const taken = new Set(columns.map((column) => lowerAscii(column.name)));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
}

function chooseKey(
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
  return (index?.terms ?? []).flatMap(({ column, descending, collation }) =>
    column === undefined ? [] : [{ name: column, descending, collation, integer: false }],
  );
}

function parseColumn(row: SqlValue[]): Column {
  const type = String(row[2] ?? "");
  const hidden = Number(row[6]);
  const column: Column = {
    name: toText(row[1]),
    type,
    affinity: decideAffinity(type),
    notNull: row[3] === 1,
    primaryKey: Number(row[5]),
    generated: hidden === 0 ? "no" : hidden === 1 ? "hidden" : hidden === 2 ? "virtual" : "stored",
  };
  if (row[4] !== null && row[4] !== undefined) column.defaultSql = String(row[4]);
  return column;
}

/** SQLite's rules, https://www.sqlite.org/datatype3.html#determination_of_column_affinity. */
function decideAffinity(type: string): Affinity {
  const upper = upperAscii(type);
  if (upper.includes("INT")) return "integer";
  if (upper.includes("CHAR") || upper.includes("CLOB") || upper.includes("TEXT")) return "text";
  if (upper === "" || upper.includes("BLOB")) return "blob";
  if (upper.includes("REAL") || upper.includes("FLOA") || upper.includes("DOUB")) return "real";
  return "numeric";
}

function parseIndex(
  row: SqlValue[],
  termsOf: Map<string, Rows>,
  indexSqlOf: Map<string, string>,
): TableIndex {
  const name = toText(row[1]);
  const index: TableIndex = {
    name,
    unique: row[2] === 1,
    origin: String(row[3]) as TableIndex["origin"],
    partial: row[4] === 1,
    terms: (termsOf.get(name) ?? []).map((term) => ({
      ...(Number(term[1]) >= 0 ? { column: toText(term[2]) } : {}),
      descending: term[3] === 1,
      collation: upperAscii(String(term[4])),
    })),
  };
  const sql = indexSqlOf.get(name);
  if (sql !== undefined && sql !== "") index.sql = sql;
  return index;
}

function parseForeignKey(row: SqlValue[]): ForeignKey {
  const key: ForeignKey = {
    parent: toText(row[1]),
    from: toText(row[2]),
    onUpdate: String(row[4]),
    onDelete: String(row[5]),
    number: Number(row[6]),
  };
  if (row[3] !== null && row[3] !== undefined) key.to = toText(row[3]);
  return key;
}

function groupBy(rows: Rows): Map<string, Rows> {
  const groups = new Map<string, Rows>();
  for (const row of rows) {
    const name = toText(row[0]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

function toText(value: SqlValue | undefined): string {
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
