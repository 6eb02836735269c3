import type { Column, Table } from "../../sqlite/catalog.ts";
import type { ColumnSql } from "../../sqlite/column-sql.ts";
import { literalSql, longLiteralSql } from "../../sqlite/literal.ts";
import { groupArguments, nestConcat } from "../../sqlite/nest-concat.ts";
import { SNAPSHOT_PREFIX } from "../../sqlite/own-objects.ts";
import { exactRealSql } from "../../sqlite/real-literal.ts";
import { ROW_SQL_CHARS_MAX, type RowSql } from "../row-sql.ts";
import { upperAscii } from "../../lib/ascii-case.ts";

/** A name that no table of the customer has. */
const VALUE = `${SNAPSHOT_PREFIX}_value`;

/**
 * SQL expressions of a row's literals, joined by commas: first the rowid's, if it is given, then
 * the columns'.
 *
 * One call of `format()` writes a row of ordinary values. If a value's type is unlikely for its
 * column, or values are long, the row is written literal by literal, to the same bytes. Measured in
 * November 2026 (SQL only, 730,000 rows of six columns): 0.73 s literal by literal, 0.57 s with
 * `format()`. If no value needs quotes, `concat_ws()` has less to do (2.6 million rows of four
 * integers: 1.03 and 0.95 s). Some builds return NULL instead of an error for a result that is too
 * long (SQLite 3.40), so `coalesce` handles that.
 */
export function insertRowSql(table: Table, rowid: string | undefined, columns: Column[]): RowSql {
  const terms = (sqlOf: ColumnSql): Term[] => [
    ...(rowid === undefined ? [] : [integerTerm(sqlOf(rowid))]),
    ...columns.map((column) => {
      const name = sqlOf(column.name);
      return column.name === table.integerPrimaryKey
        ? integerTerm(name)
        : makeTerm(name, column, table);
    }),
  ];
  return {
    // A module may return values of any type.
    usual: (sqlOf) => (table.kind === "virtual" ? exactSql(terms(sqlOf)) : usualSql(terms(sqlOf))),
    long: (sqlOf) => nestConcat(terms(sqlOf).map((term) => term.long)),
  };
}

function exactSql(terms: readonly Term[]): string {
  return anyRowSql(terms.map((term) => term.name));
}

function usualSql(terms: readonly Term[]): string {
  const exact = exactSql(terms);
  const odd = joinByOr(terms.flatMap((term) => term.unless));
  const isQuoted = terms.some((term) => term.directive === "%Q");
  const plain = nestConcat(
    isQuoted ? groupArguments(terms).map(formatCall) : terms.map((term) => term.argument),
  );
  const sql = `coalesce(${odd === "" ? plain : `iif(${odd}, NULL, ${plain})`}, ${exact})`;
  return sql.length > ROW_SQL_CHARS_MAX ? exact : sql;
}

/**
 * Writes rows of any values with one expression for all of them, because repeating it for each
 * column would exceed the length of a statement (a row of 40 columns took 1.3 times as long either
 * way, November 2026). The sign removes a column's affinity, which would change comparisons.
 */
function anyRowSql(names: readonly string[]): string {
  const values = names.map((name) => `(+${name})`).join(", ");
  return (
    `(WITH ${VALUE}(v) AS (VALUES ${values}) ` +
    `SELECT group_concat(${literalSql("v")}, ',') FROM ${VALUE})`
  );
}

/** One value of a row. */
interface Term {
  /** SQL of the column. */
  name: string;
  /** How `format()` writes the value of `argument`. */
  directive: "%d" | "%s" | "%Q";
  argument: string;
  /** Conditions, each of which is true for values that `format()` does not write exactly. */
  unless: string[];
  /** An expression that writes every value, and is faster for long text. */
  long: string;
}

function integerTerm(name: string): Term {
  return { name, directive: "%d", argument: name, unless: [], long: name };
}

/**
 * Values are distinguished by their order in SQLite, which costs less than `typeof()`: NULL (which
 * compares with nothing), numbers, text, BLOBs.
 */
function makeTerm(name: string, column: Column, table: Table): Term {
  const typed = table.strict && upperAscii(column.type) !== "ANY";
  const isText = `${name} >= ''`;
  const isBlob = `${name} >= X''`;
  // A module converts nothing: its columns hold reals regardless of their type.
  const holdsReals = column.affinity !== "text" || table.kind === "virtual";
  const long = longLiteralSql(name, holdsReals);
  switch (column.affinity) {
    case "text": {
      const holdsNul = `instr(${name}, char(0))`;
      const unless = typed ? [holdsNul] : [isBlob, holdsNul];
      return { name, directive: "%Q", argument: name, unless, long };
    }
    case "integer": {
      // A real has other digits in some builds, and the real -2^63 equals its integer.
      const isOther = [`(${name} & -1) <> ${name}`, `${name} < -9223372036854775807`];
      const unless = typed ? [] : isOther;
      return { name, directive: "%s", argument: `coalesce(${name}, 'NULL')`, unless, long };
    }
    case "real": {
      const unless = typed ? [] : [isText];
      return { name, directive: "%s", argument: exactRealSql(name), unless, long };
    }
    case "numeric": {
      const text = literalSql(name, false);
      const argument = `CASE WHEN ${isText} THEN ${text} ELSE ${numberSql(name)} END`;
      return { name, directive: "%s", argument, unless: [], long };
    }
    case "blob": {
      const other = typed ? `quote(${name})` : literalSql(name);
      const argument = typed ? other : `CASE WHEN ${isBlob} THEN quote(${name}) ELSE ${other} END`;
      return { name, directive: "%s", argument, unless: [], long };
    }
    default:
      return column.affinity satisfies never;
  }
}

/** For a column with NUMERIC affinity, which holds no -0.0. */
function numberSql(name: string): string {
  return `CASE typeof(${name}) WHEN 'real' THEN ${exactRealSql(name)} ELSE quote(${name}) END`;
}

function formatCall(terms: Term[]): string {
  const format = terms.map((term) => term.directive).join(",");
  return `format('${format}', ${terms.map((term) => term.argument).join(", ")})`;
}

/** Split in halves recursively, because a chain of 100 is too deep. */
function joinByOr(conditions: readonly string[]): string {
  if (conditions.length <= 2) return conditions.join(" OR ");
  const half = conditions.length >> 1;
  return `(${joinByOr(conditions.slice(0, half))}) OR (${joinByOr(conditions.slice(half))})`;
}
