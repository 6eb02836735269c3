import { assert } from "../lib/assert.ts";
import { quoteIdentifier } from "./identifier.ts";

/**
 * Returns the SQL of a column, or of the rowid, whose name in the exported table is `name`. The SQL is always
 * qualified: SQLite turns a bare quoted name that it does not find into a string.
 */
export type ColumnSql = (name: string) => string;

/** An SQL expression over a row, independent of where the row's columns come from. */
export type RowExpression = (column: ColumnSql) => string;

/** Columns of the exported table itself, whose alias is `alias`. */
export function nameOwnColumns(alias: string): ColumnSql {
  return (name) => `${alias}.${quoteIdentifier(name)}`;
}

/**
 * Columns of this project's own subquery or copy: `c0` for the first of `names`, `c1` for the
 * second. SQLite renames a subquery's columns that are called true or false, so no subquery and no
 * copy uses the customer's names.
 */
export function numberColumns(alias: string, names: readonly string[]): ColumnSql {
  const places = new Map<string, number>();
  for (const [at, name] of names.entries()) if (!places.has(name)) places.set(name, at);
  return (name) => {
    const place = places.get(name);
    assert(place !== undefined, "a copy has every column that is read of it");
    return `${alias}.c${place}`;
  };
}
