import type { Catalog, Table, TableIndex } from "../../model/catalog.ts";
import { asciiLower } from "../../lib/ascii-case.ts";
import type { Source } from "../source.ts";
import { columnTexts } from "./schema-text.ts";

/** One row a column of a foreign key; those of one key follow each other. */
const REFERENCES = `SELECT m.name, f.id, f."table", f."to"
  FROM pragma_table_list AS m, pragma_foreign_key_list(m.name) AS f
  WHERE m.schema = 'main' AND m.type = 'table' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\'
  ORDER BY m.name, f.id, f.seq`;

/** A foreign key, as far as its parent matters. */
interface Reference {
  child: string;
  parent: string;
  /** Columns of the parent; null if the key names none, which means the parent's PRIMARY KEY. */
  to: (string | null)[];
}

/**
 * Tables into which no trigger may be put that fires on INSERT, each with the table that refers to it.
 * A foreign key refers to columns of theirs that no UNIQUE index or PRIMARY KEY covers. SQLite refuses
 * most writes of such a parent ("foreign key mismatch"), but lets single rows in, since a new parent
 * breaks no reference. A table with an INSERT trigger loses that exception, and each insert fails.
 */
export async function findBrokenParents(
  source: Source,
  catalog: Catalog,
): Promise<ReadonlyMap<string, string>> {
  const broken = new Map<string, string>();
  if (catalog.tables.every((table) => table.foreignKeys.length === 0)) return broken;
  const parents = new Map(catalog.tables.map((table) => [asciiLower(table.name), table]));
  const { rows } = await source.query({ sql: REFERENCES, columns: 4 });
  for (const { child, parent, to } of referencesFrom(rows)) {
    const table = parents.get(asciiLower(parent));
    if (table === undefined || table.kind === "virtual" || hasKey(table, to)) continue;
    if (!broken.has(table.name)) broken.set(table.name, child);
  }
  return broken;
}

function referencesFrom(rows: readonly unknown[][]): Reference[] {
  const references = new Map<string, Reference>();
  for (const [child, id, parent, to] of rows) {
    const key = `${String(id)} ${String(child)}`;
    const reference = references.get(key) ?? {
      child: String(child),
      parent: String(parent),
      to: [],
    };
    reference.to.push(to === null ? null : String(to));
    references.set(key, reference);
  }
  return [...references.values()];
}

/** SQLite's own rule, https://www.sqlite.org/foreignkeys.html#fk_indexes. */
function hasKey(parent: Table, to: Reference["to"]): boolean {
  const names = to.map((name) => (name === null ? null : asciiLower(name)));
  const [only] = names;
  if (names.length === 1 && parent.integerPrimaryKey !== undefined) {
    if (only === null || only === asciiLower(parent.integerPrimaryKey)) return true;
  }
  const texts = columnTexts(parent);
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
            names.includes(asciiLower(column)) &&
            collation === collations.get(column),
        ));
  return parent.indexes.some((index) => index.unique && !index.partial && covers(index));
}
