import {
  CATALOG_QUERIES,
  parseCatalog,
  parseSchema,
  SCHEMA_QUERY,
} from "../sqlite/parse-catalog.ts";
import { quoteText } from "../sqlite/identifier.ts";
import { CAN_EXPORT_KEY_VALUES } from "../sqlite/key-values.ts";
import { classifyVirtualTable } from "../sqlite/virtual-table.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import { encodeUtf8, toHex, viewOf } from "../lib/bytes.ts";
import type { Catalog, SchemaObject } from "../sqlite/catalog.ts";
import { ExportError } from "../api/errors.ts";
import type { Source, SourceResult, SourceValue } from "../databases/source.ts";

/** Reads in one turn everything from which `parseCatalog` makes a catalog. */
async function readCatalogRows(source: Source): Promise<SourceResult["rows"][]> {
  const results = await source.transaction(CATALOG_QUERIES.map((sql) => ({ sql })));
  return results.map((result) => result.rows);
}

/** A catalog, and what proves that it is still the same. */
export interface ReadCatalog {
  catalog: Catalog;
  /** The result of `SCHEMA_QUERY`. */
  schema: SchemaRows;
}

export type SchemaRows = SourceResult["rows"];

/** Reads a source's schema in one turn. */
export async function readCatalog(source: Source): Promise<Catalog> {
  return (await readCatalogWithSchema(source)).catalog;
}

/** Like `readCatalog`. */
export async function readCatalogWithSchema(source: Source): Promise<ReadCatalog> {
  const rows = await readCatalogRows(source);
  const catalog = await addViewColumns(source, parseCatalog(rows));
  return { catalog, schema: rows[0] ?? [] };
}

/**
 * Returns the catalog with the columns of the views from which FTS5 tables read their text. A view
 * that fails has none. Each view is a separate query: a query that fails ends a transaction, and
 * after a failing view `pragma_table_list` does not count the columns of later views.
 */
export async function addViewColumns(source: Source, catalog: Catalog): Promise<Catalog> {
  const contents = new Set(
    catalog.tables.flatMap((table) => {
      const kind = table.kind === "virtual" ? classifyVirtualTable(table) : undefined;
      return kind?.kind === "rebuild" ? [lowerAscii(kind.content)] : [];
    }),
  );
  const views: SchemaObject[] = [];
  for (const view of catalog.views) {
    const columns = contents.has(lowerAscii(view.name))
      ? await findViewColumns(source, view.name)
      : undefined;
    views.push(columns === undefined ? view : { ...view, columns });
  }
  return { ...catalog, views };
}

async function findViewColumns(source: Source, view: string): Promise<string[] | undefined> {
  const sql = `SELECT name FROM pragma_table_xinfo(${quoteText(view)}) ORDER BY cid`;
  try {
    const { rows } = await source.query({ sql, columns: 1 });
    return rows.map(([name]) => String(name));
  } catch (error) {
    if (error instanceof ExportError && error.code === "source-query-failed") return undefined;
    throw error;
  }
}

/** Returns the catalog, if its digest is still the same. Errors: `schema-changed`. */
export async function readUnchangedCatalog(
  source: Source,
  digest: string | null,
): Promise<ReadCatalog> {
  const read = await readCatalogWithSchema(source);
  if ((await digestCatalog(read.catalog)) !== digest) throw schemaChanged();
  return read;
}

/**
 * True if a source still has the catalog. Reads only the schema, since a whole catalog takes ten
 * times as long, and what else a catalog depends on: the class of the object. False if that shows
 * nothing: the schema may differ only in objects that no catalog contains.
 */
export async function isStillCatalog(
  source: Source,
  { catalog, schema }: ReadCatalog,
): Promise<boolean> {
  const queries = [{ sql: SCHEMA_QUERY }, { sql: CAN_EXPORT_KEY_VALUES }];
  const [found, keyValues] = await source.transaction(queries);
  const isExportable = (keyValues?.rows.length ?? 0) > 0;
  const { keyValues: known } = catalog;
  if (known !== undefined && (known === "exportable") !== isExportable) return false;
  return areSameRows(schema, found?.rows ?? []);
}

/**
 * Compares only the schema, since reading a whole catalog takes many times as long. Errors:
 * `schema-changed`.
 */
export async function requireUnchangedSchema(source: Source, schema: SchemaRows): Promise<void> {
  const { rows } = await source.query({ sql: SCHEMA_QUERY });
  if (!isSameSchema(schema, rows)) throw schemaChanged();
}

/** True if two results of `SCHEMA_QUERY` have the same objects that a dump may contain. */
export function isSameSchema(one: SchemaRows, other: SchemaRows): boolean {
  // Most are equal byte by byte, and then no text needs to be decoded.
  return areSameRows(one, other) || schemaText(one) === schemaText(other);
}

function schemaText(rows: SchemaRows): string {
  return JSON.stringify(parseSchema(rows));
}

function areSameRows(one: SchemaRows, other: SchemaRows): boolean {
  return (
    one.length === other.length &&
    one.every((row, at) => row.every((value, column) => isSameValue(value, other[at]?.[column])))
  );
}

function isSameValue(one: SourceValue, other: SourceValue | undefined): boolean {
  if (!(one instanceof ArrayBuffer) || !(other instanceof ArrayBuffer)) return one === other;
  return viewOf(new Uint8Array(one)).equals(new Uint8Array(other));
}

function schemaChanged(): ExportError {
  return new ExportError("schema-changed", "the schema changed after the export began");
}

/**
 * SHA-256 of a catalog, to check whether it is still the same. `shadowNamed` does not count: SQLite
 * may forget it at any time, and no row or text of a dump depends on it. Neither does a key-value
 * storage that no dump can contain: the runtime creates it with the first entry, which a program
 * may write in the meantime. The columns of views follow from the schema.
 */
export async function digestCatalog(catalog: Catalog): Promise<string> {
  const views = catalog.views.map((view) => ({ ...view, columns: undefined }));
  const text = JSON.stringify({ ...catalog, views }, (key, value: unknown) =>
    key === "shadowNamed" || (key === "keyValues" && value === "unreadable") ? undefined : value,
  );
  const bytes = encodeUtf8(text);
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
