import { type KeyColumn, listRowColumns, type Table } from "./catalog.ts";
import {
  bindKeyValue,
  type KeyValue,
  buildKeyValueColumns,
  parseKeyValue,
  type RowKey,
} from "./row-key.ts";
import type { SqlValue } from "./sql-value.ts";
import { ExportError } from "../api/errors.ts";
import { assert } from "../lib/assert.ts";
import type { ColumnSql, RowExpression } from "./column-sql.ts";
import { quoteIdentifier, findUnusedName } from "./identifier.ts";
import { SNAPSHOT_PREFIX } from "./own-objects.ts";
import { type RowSelect, selectLiveRows, selectRenamedRows } from "./row-select.ts";
import { fitsStatement, StatementTooLong } from "./statement-length.ts";

/**
 * The byte that separates the rows of a page. Valid UTF-8 never contains it, so no row with valid
 * text does. If a page contains more of these bytes than rows, some text is invalid.
 */
export const ROW_SEPARATOR = 0xff;

/** A result may have 100 columns, and so may a subquery. */
export const COLUMNS_MAX = 100;
/** A page's result has two columns per key column, and two for the page itself. */
export const KEY_COLUMNS_MAX = 49;

/** Lengthened if a table has this name: a query over a table of its own name would be circular. */
const PAGE = `${SNAPSHOT_PREFIX}_page`;
const LAST = `${SNAPSHOT_PREFIX}_last`;

/** Lists the values of column `b` in all rows, each value once; NULL if all are NULL. */
export const BROKEN_LIST_SQL = "group_concat(DISTINCT b) FILTER (WHERE b IS NOT NULL)";

export interface Statement {
  sql: string;
  params: SqlValue[];
  /** How many columns the result has, for sources that need to know. */
  columns?: number;
}

export interface PageRequest {
  table: Table;
  /** SQL expression of a row's text. */
  rowSql: RowExpression;
  /** Bytes between two rows, as hex digits. */
  rowGapHex: string;
  /** Key of the last row that was read; null starts at the first. */
  after: RowKey;
  /** The last key that may be read, of a table with one integer key; default: no bound. */
  upTo?: bigint | undefined;
  /** The most rows to read. */
  limit: number;
  /** Adds a column to the result; see `RawPage.broken`. */
  brokenSql?: RowExpression | undefined;
}

/**
 * One page of a table as one result row. It contains the rows' texts, joined by the gap, as a BLOB
 * (NULL without rows), their number, and the type and value of each key column of the last row (see
 * `parsePage`). It reads each row once, by the key's own index, and starts after `after`. If the key
 * has several columns, it reads each row's key once more to find the last.
 *
 * Measured in November 2026: a window function to find the last row reads the whole table at each
 * page (12 s instead of 0.4 s for 400,000 rows); a materialized page costs less than a tenth.
 *
 * The text is the same for every page except the first and, because `rowSql` may differ, for pages
 * of long rows. Values that differ are bound. workerd keeps every text that it has run as a
 * prepared statement, and SQLite then runs out of its small, fast memory. Pages of 60 different
 * texts took 40 % longer than pages of one (November 2026).
 *
 * A table without any key can only be read in one page: its rows come in their own order, and the
 * last key is empty. Errors: `table-not-pageable` if a key has too many columns, and
 * `StatementTooLong` if the names are too long for a page of whole rows, or if `brokenSql` adds too
 * much.
 */
export function buildPageQuery(
  request: PageRequest,
  select = selectLiveRows(request.table),
): Statement {
  const { table } = request;
  if (table.key.length > KEY_COLUMNS_MAX) {
    throw new ExportError(
      "table-not-pageable",
      `table ${quoteIdentifier(table.name)} has a key of more than ${KEY_COLUMNS_MAX} columns`,
    );
  }
  const names = listRowColumns(table);
  for (const findLast of [seekLastSql, keepLastSql]) {
    const direct = pageSql(request, select, findLast);
    if (fitsStatement(direct)) return direct;
    if (request.brokenSql !== undefined || names.length > COLUMNS_MAX) continue;
    const renamed = pageSql(request, selectRenamedRows(select, names), findLast);
    if (fitsStatement(renamed)) return renamed;
  }
  throw new StatementTooLong();
}

function pageSql(
  request: PageRequest,
  select: RowSelect,
  findLast: typeof seekLastSql | typeof keepLastSql,
): Statement {
  const { table, rowSql, rowGapHex, brokenSql } = request;
  const params: Statement["params"] = [];
  const columns = (column: ColumnSql): string[] => [
    `${rowSql(column)} AS r`,
    ...(brokenSql === undefined ? [] : [`${brokenSql(column)} AS b`]),
  ];
  const broken = brokenSql === undefined ? [] : [BROKEN_LIST_SQL];
  const ranges = { ...request, seeks: findLast === seekLastSql };
  const rows = rowSelectSql(ranges, columns, select, params);
  const only = table.key.length === 1 ? (table.key[0] as KeyColumn) : undefined;
  if (only?.integer === true) {
    return {
      sql:
        `SELECT CAST(group_concat(r, X'${rowGapHex}') AS BLOB), count(*), 'integer', ` +
        `${["CAST(max(k0) AS TEXT)", ...broken].join(", ")} FROM (${rows})`,
      params,
      columns: 4 + broken.length,
    };
  }
  const columnsOfResult = 2 + 2 * table.key.length + broken.length;
  const text = `CAST(group_concat(r, X'${rowGapHex}') AS BLOB)`;
  if (table.key.length === 0) {
    const sql = `SELECT ${[text, "count(*)", ...broken].join(", ")} FROM (${rows})`;
    return { sql, params, columns: columnsOfResult };
  }
  if (only !== undefined) {
    // The index orders keys as max() compares them, and NULL comes first in both.
    const last = `${only.descending ? "min" : "max"}(k0 COLLATE ${only.collation})`;
    const { typeSql, valueSql } = buildKeyValueColumns(last);
    const found = [text, "count(*)", typeSql, valueSql, ...broken];
    return { sql: `SELECT ${found.join(", ")} FROM (${rows})`, params, columns: columnsOfResult };
  }
  // The same values are bound, under the same numbers.
  const keys = (): string => rowSelectSql(ranges, () => [], select, []);
  const names = {
    page: findUnusedName(PAGE, table.name),
    last: findUnusedName(LAST, table.name),
  };
  const found = table.key.map((_, at) => {
    const { typeSql, valueSql } = buildKeyValueColumns(`k${at}`);
    return `(SELECT ${typeSql} FROM ${names.last}), (SELECT ${valueSql} FROM ${names.last})`;
  });
  const parts = { rows, keys, text, found: found.join(", "), broken: broken.join(", ") };
  return { sql: findLast(names, parts), params, columns: columnsOfResult };
}

/** SQL of a page's rows and of their keys, and of the columns of the result. */
interface PageParts {
  rows: string;
  keys: () => string;
  text: string;
  /** The last key's columns, from the row of `last`. */
  found: string;
  /** "" if nothing is looked for. */
  broken: string;
}

/**
 * A page whose last key is looked up by its number in the index: each row is read twice. The key is
 * computed once for all of its columns.
 */
function seekLastSql(
  { page, last }: { page: string; last: string },
  { rows, keys, text, found, broken }: PageParts,
): string {
  const [named, kept] = broken === "" ? ["", ""] : [`, ${broken} AS broken`, ", broken"];
  return (
    `WITH ${page} AS MATERIALIZED (SELECT ${text} AS r, count(*) AS n${named} FROM (${rows})), ` +
    `${last} AS MATERIALIZED (SELECT * FROM (${keys()}) LIMIT 1 OFFSET (SELECT n - 1 FROM ${page})) ` +
    `SELECT r, n, ${found}${kept} FROM ${page}`
  );
}

/**
 * The same in a text with each name once, for long names. The page is kept aside and looked through
 * for its last key: each row is read four times.
 */
function keepLastSql(
  { page, last }: { page: string; last: string },
  { rows, text, found, broken }: PageParts,
): string {
  const kept = broken === "" ? "" : `, ${broken}`;
  return (
    `WITH ${page} AS MATERIALIZED (SELECT * FROM (${rows})), ${last} AS MATERIALIZED ` +
    `(SELECT * FROM ${page} LIMIT 1 OFFSET (SELECT count(*) - 1 FROM ${page})) ` +
    `SELECT ${text}, count(*), ${found}${kept} FROM ${page}`
  );
}

/**
 * The SELECT of a page's rows in key order: the key's columns as `k0`, `k1`, …, then `columns`.
 * Adds the values to bind to `params`.
 */
export function rowSelectSql(
  {
    table,
    after,
    upTo,
    limit,
    seeks = false,
  }: Pick<PageRequest, "table" | "after" | "upTo" | "limit"> & { seeks?: boolean },
  columns: (column: ColumnSql) => string[],
  select: RowSelect,
  params: Statement["params"],
): string {
  const keys = (sqlOf: ColumnSql): string[] =>
    table.key.map((column, at) => `${sqlOf(column.name)} AS k${at}`);
  const orderBy = table.key
    .map((column, at) => `${at + 1}${collationSql(column)}${column.descending ? " DESC" : ""}`)
    .join(", ");
  const ranges = after === null ? [() => ""] : listRangesAfter(table.key, after, params, seeks);
  if (upTo !== undefined) boundRanges(ranges, { table, upTo, params });
  params.push(limit);
  // Newer SQLite plans by the value bound to a bare LIMIT, and so prepares the text again if that
  // value changes.
  const bound = `?${params.length} + 0`;
  return unionInOrder(
    ranges.map((predicate) =>
      select({
        columns: (column) => [...keys(column), ...columns(column)],
        predicate,
        isBounded: upTo !== undefined,
        orderBy,
        limit: bound,
      }),
    ),
    bound,
  );
}

/** A page as it was read: nothing decoded, nothing checked. */
export interface RawPage {
  bytes: Uint8Array;
  rows: number;
  /** The key of the last row; null if there were no rows. */
  last: RowKey;
  /** Each value of `brokenSql` in the rows, once. */
  broken: number[];
}

/** Reads the one result row of `buildPageQuery`. */
export function parsePage(row: SqlValue[]): RawPage {
  const rows = Number(row[1]);
  const bytes = row[0] instanceof ArrayBuffer ? new Uint8Array(row[0]) : new Uint8Array();
  if (rows === 0) return { bytes, rows, last: null, broken: [] };
  const last: KeyValue[] = [];
  let at = 2;
  for (; at + 1 < row.length; at += 2) {
    last.push(parseKeyValue(String(row[at]), row[at + 1] ?? null));
  }
  return { bytes, rows, last, broken: parseBroken(row[at]) };
}

/** Reads the value of `BROKEN_LIST_SQL`. */
export function parseBroken(list: SqlValue | undefined): number[] {
  return typeof list === "string" ? list.split(",").map(Number) : [];
}

function collationSql(column: KeyColumn): string {
  return column.integer ? "" : ` COLLATE ${column.collation}`;
}

/**
 * Returns predicates of the ranges after `after`, disjoint and in key order: one range per column,
 * longest equal prefix first. An index on the key can seek each of them. Without `seeks`, a key whose
 * columns all have the same direction is one range, a row-value comparison. It is a shorter text,
 * but SQLite tests every row from the start by it, because the comparison names collations.
 */
function listRangesAfter(
  key: KeyColumn[],
  after: KeyValue[],
  params: Statement["params"],
  seeks: boolean,
): RowExpression[] {
  const namesOf = (sqlOf: ColumnSql): string[] =>
    key.map((column) => sqlOf(column.name) + collationSql(column));
  const values = after.map((value) => bindKeyValue(value, params));
  const descending = key[0]?.descending === true;
  if (key.length > 1 && !seeks && key.every((column) => column.descending === descending)) {
    const sign = descending ? "<" : ">";
    return [(sqlOf) => `(${namesOf(sqlOf).join(", ")}) ${sign} (${values.join(", ")})`];
  }
  return key
    .map((column, at) => (sqlOf: ColumnSql) => {
      const names = namesOf(sqlOf);
      const equal = names.slice(0, at).map((name, place) => `${name} = ${values[place]}`);
      return [...equal, `${names[at]} ${column.descending ? "<" : ">"} ${values[at]}`].join(
        " AND ",
      );
    })
    .reverse();
}

/** Ends the ranges of a table with one integer key, of which there is one. */
function boundRanges(
  ranges: RowExpression[],
  { table, upTo, params }: { table: Table; upTo: bigint; params: Statement["params"] },
): void {
  const [range] = ranges;
  const [key] = table.key;
  assert(range !== undefined && key?.integer === true, "only integer keys have ranges");
  const last = bindKeyValue({ literal: String(upTo) }, params);
  ranges[0] = (sqlOf) =>
    [range(sqlOf), `${sqlOf(key.name)} <= ${last}`].filter((each) => each !== "").join(" AND ");
}

/**
 * One SELECT of all `selects`, in their order. A compound may have five terms, so more are nested.
 */
function unionInOrder(selects: string[], limit: string): string {
  if (selects.length === 1) return selects[0] as string;
  const terms = selects.slice(0, 4).map((select) => `SELECT * FROM (${select})`);
  if (selects.length > 4) terms.push(`SELECT * FROM (${unionInOrder(selects.slice(4), limit)})`);
  return `${terms.join(" UNION ALL ")} LIMIT ${limit}`;
}
