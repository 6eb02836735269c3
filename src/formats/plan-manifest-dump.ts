import { findFormat } from "../api/formats.ts";
import type { Manifest, ManifestV2 } from "../api/manifest.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import type { Catalog } from "../sqlite/catalog.ts";
import { KEY_VALUES_TABLE } from "../sqlite/key-values.ts";
import { ENCODING_VERSION } from "./plan-digest.ts";
import { planDump } from "./plan-dump.ts";
import { matchesPattern } from "./table-filter.ts";

/**
 * Plans the SQL dump of a manifest again, for a database that was restored from it: the same text follows from the
 * same content. A pattern of the request that matches nothing is ignored, since a restored database lacks what the
 * dump left out. `ignored` lists tables of the catalog that are not restored, by their exact names.
 *
 * Errors: `table-not-found` if nothing is left.
 */
export function planManifestDump(
  manifest: ManifestV2,
  catalog: Catalog,
  ignored: readonly string[] = [],
): ReturnType<typeof planDump> {
  const { source, content, tables } = manifest.request;
  const restored = withoutTables(catalog, ignored);
  const names = [
    ...[...restored.tables, ...restored.views].map(({ name }) => name),
    ...(restored.keyValues === undefined ? [] : [KEY_VALUES_TABLE]),
  ];
  const matching = (patterns: readonly string[]): string[] =>
    patterns.filter((pattern) => names.some((name) => matchesPattern(name, pattern)));
  const patterns = tables && {
    ...(tables.include && { include: matching(tables.include) }),
    ...(tables.exclude && { exclude: matching(tables.exclude) }),
  };
  const request = {
    source,
    format: "sql" as const,
    content,
    ...(patterns && { tables: patterns }),
    isMasked: (manifest.masked ?? []).length > 0,
  };
  return planDump(request, restored, manifest.writer);
}

/**
 * True if a dump of this code can equal the manifest's: it is an SQL dump, its text's hashes are recorded, and the
 * version of its encoding is this code's.
 */
export function canCompare(manifest: Manifest): manifest is ManifestV2 {
  const isScript = findFormat(manifest.format)?.isSqlScript === true;
  return manifest.version === 2 && isScript && manifest.encoding === ENCODING_VERSION;
}

function withoutTables(catalog: Catalog, names: readonly string[]): Catalog {
  if (names.length === 0) return catalog;
  const gone = new Set(names);
  const keys = new Set(names.map(lowerAscii));
  const isKept = ({ tableName }: { tableName: string }): boolean =>
    !keys.has(lowerAscii(tableName));
  return {
    ...catalog,
    tables: catalog.tables.filter(({ name }) => !gone.has(name)),
    indexes: catalog.indexes.filter(isKept),
    triggers: catalog.triggers.filter(isKept),
  };
}
