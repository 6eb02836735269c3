import { nameOwnColumns } from "../../sqlite/column-sql.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import {
  type Affinity,
  type Column,
  listStoredColumns,
  type Table,
  type TableIndex,
  type SchemaObject,
} from "../../sqlite/catalog.ts";
import { hasWord, tokenizeSql } from "../../sqlite/sql-tokens.ts";
import { lowerAscii, upperAscii } from "../../lib/ascii-case.ts";
import type { SnapshotNames } from "./names.ts";
import { parseColumnTexts, parseIndexText, newValueSql } from "../../sqlite/schema-text.ts";

/** Alias of the table in which replaced rows are looked up. */
export const REPLACED = "tmp_r";

/** Alias of the probe. */
const PROBE = "tmp_p";

/**
 * The rows that a REPLACE would remove to make space for NEW, without firing a delete trigger for
 * them: those with the same key, and those that are equal in a UNIQUE index. A statement that
 * replaces nothing saves them too, which costs space but is never wrong.
 */
export interface ReplacedRows {
  /** Statements that run before the conditions: they fill the probe. */
  prepare: (event: "insert" | "update") => string[];
  /** SQL conditions over the rows of `REPLACED`, one for each thing that must be unique. */
  conditions: (event: "insert" | "update") => string[];
  /** CREATE TABLE of the probe; undefined if no UNIQUE index needs one. */
  createProbe: string | undefined;
}

const TYPES: Record<Affinity, string> = {
  integer: "INTEGER",
  text: "TEXT",
  blob: "",
  real: "REAL",
  numeric: "NUMERIC",
};

export function planReplacedRows(
  names: SnapshotNames,
  number: number,
  table: Table,
  triggers: readonly SchemaObject[],
): ReplacedRows {
  const unique = table.indexes.filter((index) => index.unique);
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const needsProbe = (index: TableIndex): boolean =>
    index.terms.some(
      ({ column }) => column === undefined || columns.get(column)?.generated !== "no",
    );
  const isRewritten = hasBeforeUpdateTrigger(table, triggers);
  const probed = unique.some(needsProbe);
  return {
    createProbe: probed ? createProbeSql(names, number, table) : undefined,
    prepare: (event) => (probed ? fillProbe(names, number, table, event) : []),
    conditions: (event) => [
      ...(table.rowidName === undefined
        ? []
        : [`${REPLACED}.${q(table.rowidName)} = NEW.${q(table.rowidName)}`]),
      ...unique.map((index) => {
        const where = index.partial ? parseIndexText(table, index).where : undefined;
        const equal = needsProbe(index)
          ? probeTerms(names, number, table, index)
          : plainTerms(index, columns);
        // A trigger of the customer's may write another column of the same index in between.
        const match = event === "update" && isRewritten ? equal.join(" OR ") : equal.join(" AND ");
        const changed =
          event === "update" && !isRewritten && !needsProbe(index) && !index.partial
            ? [`(${changedTerms(index, columns).join(" OR ")})`]
            : [];
        return [...changed, `(${match})`, ...(where === undefined ? [] : [`(${where})`])].join(
          " AND ",
        );
      }),
    ],
  };
}

function plainTerms(index: TableIndex, columns: Map<string, Column>): string[] {
  return namedTerms(index).map(({ column, collation }) => {
    const value = newValueSql(columns.get(column), column);
    return `${REPLACED}.${q(column)} = ${value} COLLATE ${collation}`;
  });
}

/** The terms of an index without expressions. */
function namedTerms(index: TableIndex): { column: string; collation: string }[] {
  return index.terms.flatMap(({ column, collation }) =>
    column === undefined ? [] : [{ column, collation }],
  );
}

/** An UPDATE that does not change an index's columns replaces nothing in it. */
function changedTerms(index: TableIndex, columns: Map<string, Column>): string[] {
  return namedTerms(index).map(({ column }) => {
    const value = newValueSql(columns.get(column), column);
    return `${value} IS NOT OLD.${q(column)} COLLATE BINARY`;
  });
}

/** Inside an expression, NEW has neither affinity nor collation; the probe's columns have both. */
function probeTerms(
  names: SnapshotNames,
  number: number,
  table: Table,
  index: TableIndex,
): string[] {
  const texts = index.sql === undefined ? undefined : parseIndexText(table, index).terms;
  return index.terms.map((term, at) => {
    const { column, collation } = term;
    const valueOf = (row: string): string =>
      column === undefined ? (texts?.[at] ?? "NULL") : nameOwnColumns(row)(column);
    return (
      `(${valueOf(REPLACED)}) COLLATE ${collation} IN ` +
      `(SELECT (${valueOf(PROBE)}) COLLATE ${collation} FROM ${q(names.probe(number))} AS ${PROBE})`
    );
  });
}

function createProbeSql(names: SnapshotNames, number: number, table: Table): string {
  const texts = parseColumnTexts(table);
  const columns = table.columns.flatMap((column, at) => {
    if (column.generated === "hidden") return [];
    const { collation, generatedAs } = texts[at] ?? { collation: "BINARY" };
    const type = column.name === table.integerPrimaryKey ? "INTEGER" : TYPES[column.affinity];
    const as = generatedAs === undefined ? "" : ` AS (${generatedAs})`;
    return [`${q(column.name)} ${type} COLLATE ${collation}${as}`];
  });
  return `CREATE TABLE ${q(names.probe(number))} (${columns.join(", ")})`;
}

/**
 * A rowid that SQLite has not assigned yet reads as -1. So the probe holds a second row with the
 * rowid that SQLite will assign: the largest plus one, including AUTOINCREMENT's counter.
 */
function fillProbe(
  names: SnapshotNames,
  number: number,
  table: Table,
  event: "insert" | "update",
): string[] {
  const probe = q(names.probe(number));
  const columns = listStoredColumns(table);
  const insert = (id?: string): string => {
    const values = columns.map((column) =>
      column.name === table.integerPrimaryKey && id !== undefined
        ? id
        : newValueSql(column, column.name),
    );
    // Without the columns' names, which may be long: the probe has no other columns.
    return `INSERT INTO ${probe} SELECT ${values.join(", ")}`;
  };
  const key = table.integerPrimaryKey;
  const statements = [`DELETE FROM ${probe}`, insert()];
  if (event === "insert" && key !== undefined) {
    const largest = `coalesce((SELECT max(${REPLACED}.${q(key)}) FROM ${q(table.name)} AS ${REPLACED}), 0)`;
    const counter = `coalesce((SELECT seq FROM sqlite_sequence WHERE name = '${table.name.replaceAll("'", "''")}'), 0)`;
    const next = table.autoincrement ? `max(${largest}, ${counter})` : largest;
    statements.push(`${insert(`${next} + 1`)} WHERE NEW.${q(key)} = -1`);
  }
  return statements;
}

function hasBeforeUpdateTrigger(table: Table, triggers: readonly SchemaObject[]): boolean {
  return triggers.some(
    ({ tableName, sql }) =>
      lowerAscii(tableName) === lowerAscii(table.name) &&
      hasWord(sql, "UPDATE") &&
      !isAfterTrigger(sql),
  );
}

/**
 * SQLite keeps `CREATE TRIGGER <name>` at the start of the text, and the name may contain any
 * words.
 */
function isAfterTrigger(sql: string): boolean {
  const [, , , time] = tokenizeSql(sql);
  return time?.kind === "word" && ["AFTER", "INSTEAD"].includes(upperAscii(time.text));
}
