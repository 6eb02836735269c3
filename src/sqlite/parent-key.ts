import { lowerAscii } from "../lib/ascii-case.ts";
import type { ForeignKey, Table, TableIndex } from "./catalog.ts";
import { parseColumnTexts } from "./schema-text.ts";

/** Returns the foreign keys of a table, each with its columns in order. */
export function listForeignKeys({ foreignKeys }: Table): ForeignKey[][] {
  const numbers = [...new Set(foreignKeys.map(({ number }) => number))];
  return numbers.map((number) => foreignKeys.filter((column) => column.number === number));
}

/**
 * True if SQLite finds a key of `parent` for a foreign key with these columns. That key is the
 * rowid's alias, the PRIMARY KEY if the foreign key names no columns, or a UNIQUE index of exactly
 * these columns with their own collations (https://www.sqlite.org/foreignkeys.html#fk_indexes).
 * Without such a key, every check of the foreign key fails with "foreign key mismatch".
 */
export function hasParentKey(parent: Table, columns: readonly ForeignKey[]): boolean {
  if (parent.kind === "virtual") return false;
  const names = columns.map(({ to }) => (to === undefined ? null : lowerAscii(to)));
  const [only = null] = names;
  if (names.length === 1 && parent.integerPrimaryKey !== undefined) {
    if (only === null || only === lowerAscii(parent.integerPrimaryKey)) return true;
  }
  const texts = parseColumnTexts(parent);
  const collations = new Map(
    parent.columns.map(({ name }, at) => [name, texts[at]?.collation ?? "BINARY"]),
  );
  const covers = (index: TableIndex): boolean =>
    index.terms.length === names.length &&
    (only === null
      ? index.origin === "pk"
      : index.terms.every(
          ({ column, collation }) =>
            column !== undefined &&
            names.includes(lowerAscii(column)) &&
            collation === collations.get(column),
        ));
  return parent.indexes.some((index) => index.unique && !index.partial && covers(index));
}
