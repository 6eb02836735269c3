import { CATALOG_QUERIES, parseCatalog } from "../dump/catalog.ts";
import { encodeUtf8, toHex } from "../lib/bytes.ts";
import type { Catalog } from "../model/catalog.ts";
import { ExportError } from "../model/error.ts";
import type { Source } from "./source.ts";

/** Reads a source's schema in one turn. */
export async function readCatalog(source: Source): Promise<Catalog> {
  const results = await source.transaction(CATALOG_QUERIES.map((sql) => ({ sql })));
  return parseCatalog(results.map((result) => result.rows));
}

/** The catalog, where its digest is still the same. Errors: `schema-changed`. */
export async function readUnchangedCatalog(
  source: Source,
  digest: string | null,
): Promise<Catalog> {
  const catalog = await readCatalog(source);
  if ((await digestOf(catalog)) === digest) return catalog;
  throw new ExportError("schema-changed", "the schema is not what it was when the export began");
}

/** SHA-256 of a catalog, to see whether it is still the same. */
export async function digestOf(catalog: Catalog): Promise<string> {
  const bytes = encodeUtf8(JSON.stringify(catalog));
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
