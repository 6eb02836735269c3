import { lowerAscii } from "../../lib/ascii-case.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import type { Catalog, Table } from "../../sqlite/catalog.ts";
import type { DumpContent } from "../../api/export-request.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { holdsTransactionWords } from "./write-text-literal.ts";
import { hasParentKey, listForeignKeys } from "../../sqlite/parent-key.ts";
import { findQuotedStringWarnings } from "./find-quoted-string-warnings.ts";

/** Returns warnings for exact parts of a dump that some loaders refuse or change. */
export function findLoadingWarnings(catalog: Catalog, content: DumpContent): string[] {
  return [
    ...transactionWarnings(catalog, content),
    ...(content === "data" ? [] : findQuotedStringWarnings(catalog)),
    ...(content === "schema" ? [] : mismatchWarnings(catalog.tables)),
  ];
}

/**
 * Values are written so that no loader finds the words; names and texts of the schema cannot be
 * rewritten.
 */
function transactionWarnings(catalog: Catalog, content: DumpContent): string[] {
  const written =
    content === "data"
      ? catalog.tables.map(({ name, columns }) => ({
          name,
          sql: [name, ...columns.map((column) => column.name)].join(" "),
        }))
      : [...catalog.tables, ...catalog.indexes, ...catalog.views, ...catalog.triggers];
  return written
    .filter(({ sql }) => holdsTransactionWords(encodeUtf8(sql)))
    .map(
      ({ name }) =>
        `the text of ${q(name)} contains "BEGIN TRANSACTION" or "COMMIT;", which wrangler d1 execute --file ` +
        "deletes or refuses: load it another way",
    );
}

/**
 * SQLite calls it a mismatch, and refuses every INSERT into the child if foreign keys are enforced.
 */
function mismatchWarnings(tables: readonly Table[]): string[] {
  const byName = new Map(tables.map((table) => [lowerAscii(table.name), table]));
  return tables.flatMap((table) => {
    return listForeignKeys(table).flatMap((columns) => {
      const parent = byName.get(lowerAscii(columns[0]?.parent ?? ""));
      if (parent === undefined || hasParentKey(parent, columns)) return [];
      const to = columns.flatMap(({ to: name }) => (name === undefined ? [] : [q(name)]));
      const named = to.length === 0 ? "" : ` (${to.join(", ")})`;
      return [
        `table ${q(table.name)} references ${q(parent.name)}${named}, which is not a key of that table: ` +
          "its rows load only if foreign keys are not enforced",
      ];
    });
  });
}
