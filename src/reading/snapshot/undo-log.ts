import { bytesSql } from "../../sqlite/bytes-sql.ts";
import { numberColumns, nameOwnColumns } from "../../sqlite/column-sql.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { type RowSelect, selectRowsFrom } from "../../sqlite/row-select.ts";
import { hasIntegerKey, listRowColumns, type Table } from "../../sqlite/catalog.ts";
import { createKeyedSql, listPlaces } from "./layout.ts";
import type { SnapshotNames } from "./names.ts";
import { isNeededSql, type KeySql, keyColumnsSql, sameKeySql } from "./row-sql.ts";

/**
 * What a snapshot keeps of one table's rows. It has an entry for each key that is touched: the row
 * as it was when the snapshot was opened, or the key's birth if there was no row.
 *
 * Statements enter a key only if it is not NULL, not exported yet, and not in the log yet. No entry
 * may conflict with another one of its key, since the conflict clause of the customer's statement
 * overrides the log's own.
 */
export interface UndoLog {
  /** CREATE statements for objects that only this table needs. */
  create: (undoBytesMax: number) => string[];
  /** Statements that enter a row: OLD, or an alias in `from` if `condition` is true. */
  save: (row: string, rows?: { from: string; condition: string }) => string[];
  /** Statement that enters the birth of a key. */
  birth: (key: KeySql, condition?: string) => string;
  /** True if the log has an entry for the key, or any entry without a key. */
  hasEntrySql: (key?: KeySql) => string;
  /** The rows that were saved, as the table itself would return them. */
  savedRows: RowSelect;
}

/** A table may have 100 columns, and so may the SELECT that fills it. */
const COLUMNS_MAX = 100;
/** The columns of the shared log's entries, without the row's: table, key, birth. */
const SHARED_COLUMNS = ["t", "k", "born"];

/** The value of `lease_until` after the log is full. */
const LEASE_STOPPED = 0;

/** The bytes that a birth counts for, in addition to its key. */
const BIRTH_BYTES = 16;

/** Added to a row's columns in a log of its own: 1 for the birth of a key. */
const BORN = "born";

/**
 * Tables with an integer key share one log, because every object makes each CREATE and DROP walk
 * further through the schema. The others have their own logs, whose keys order and compare like
 * those of the table.
 */
export function chooseUndoLog(names: SnapshotNames, number: number, table: Table): UndoLog {
  return sharesLog(table) ? sharedLog(names, number, table) : ownLog(names, number, table);
}

export function sharesLog(table: Table): boolean {
  return hasIntegerKey(table) && besidesKey(table).length <= COLUMNS_MAX - SHARED_COLUMNS.length;
}

/**
 * CREATE statements of the log that `tables` share. A trigger of the log itself decides what must
 * not be entered. So the watching triggers stay short, whose texts SQLite reads at each CREATE and
 * DROP.
 */
export function createSharedLogSql(
  names: SnapshotNames,
  tables: readonly Table[],
  undoBytesMax: number,
): string[] {
  const log = names.sharedUndo;
  const width = Math.max(0, ...tables.map((table) => besidesKey(table).length));
  const places = Array.from({ length: width }, (_, at) => `c${at}`);
  const isNeeded = isNeededSql(names, { number: "NEW.t", key: ["NEW.k"], isInteger: true });
  const isEntered = `EXISTS (SELECT 1 FROM ${q(log)} WHERE t = NEW.t AND k = NEW.k)`;
  return [
    `CREATE TABLE ${q(log)} (${[...SHARED_COLUMNS, ...places].join(", ")}, PRIMARY KEY (t, k)) WITHOUT ROWID`,
    `CREATE TRIGGER ${q(`${names.prefix}guard`)} BEFORE INSERT ON ${q(log)} ` +
      `WHEN ${isFullSql(names)} OR NOT (${isNeeded}) OR ${isEntered} BEGIN SELECT RAISE(IGNORE); END`,
    countTrigger(names, {
      log,
      event: "count",
      columns: ["k", ...places],
      born: "born",
      undoBytesMax,
    }),
  ];
}

function sharedLog(names: SnapshotNames, number: number, table: Table): UndoLog {
  const log = names.sharedUndo;
  const [key = "", ...columns] = listRowColumns(table);
  const places = listPlaces(columns);
  const inPlaces = numberColumns("tmp_u", columns);
  return {
    create: () => [],
    save: (row, rows) => {
      const ofRow = nameOwnColumns(row);
      const values = [ofRow(key), "0", ...columns.map(ofRow)];
      const insert = insertSql(log, [...SHARED_COLUMNS, ...places], [String(number), ...values]);
      return [rows === undefined ? insert : `${insert}${rows.from} WHERE ${rows.condition}`];
    },
    birth: ([value = ""], condition) => {
      const insert = insertSql(log, SHARED_COLUMNS, [String(number), value, "1"]);
      return condition === undefined ? insert : `${insert} WHERE ${condition}`;
    },
    hasEntrySql: (values) => {
      const isKey = values === undefined ? "" : ` AND tmp_u.k = +${values[0]}`;
      return `EXISTS (SELECT 1 FROM ${q(log)} AS tmp_u WHERE tmp_u.t = ${number}${isKey})`;
    },
    savedRows: selectRowsFrom({
      from: `${q(log)} AS tmp_u`,
      column: (name) => (name === key ? "tmp_u.k" : inPlaces(name)),
      where: `tmp_u.t = ${number} AND tmp_u.born = 0`,
    }),
  };
}

function ownLog(names: SnapshotNames, number: number, table: Table): UndoLog {
  const log = names.undo(number);
  const wideLog = names.wide(number);
  const columns = listRowColumns(table);
  const places = listPlaces(columns);
  const keys = places.slice(0, table.key.length);
  const narrow = places.slice(0, COLUMNS_MAX - 1);
  const wide = places.slice(COLUMNS_MAX - 1);
  const inNarrow = numberColumns("tmp_u", columns);
  const inWide = numberColumns("tmp_w", columns);
  const isWide = new Set(columns.slice(COLUMNS_MAX - 1));
  const keyOfEntry = table.key.map((column) => inNarrow(column.name));
  const join = ` CROSS JOIN ${q(wideLog)} AS tmp_w ON ${sameKeySql(inWide, table.key, keyOfEntry)}`;
  const hasEntrySql = (values?: KeySql): string => {
    const isKey = values === undefined ? "" : ` WHERE ${sameKeySql(inNarrow, table.key, values)}`;
    return `EXISTS (SELECT 1 FROM ${q(log)} AS tmp_u${isKey})`;
  };
  const isToBeEntered = (key: KeySql): string => {
    const isNeeded = isNeededSql(names, { number, key, isInteger: hasIntegerKey(table) });
    return `${isNeeded} AND NOT ${hasEntrySql(key)}`;
  };
  return {
    create: (undoBytesMax) => [
      createKeyedSql(log, table.key, [...narrow, BORN]),
      countTrigger(names, {
        log,
        event: `t${number}_count`,
        columns: narrow,
        born: BORN,
        undoBytesMax,
      }),
      ...(wide.length === 0
        ? []
        : [
            createKeyedSql(wideLog, table.key, [...keys, ...wide]),
            countTrigger(names, {
              log: wideLog,
              event: `t${number}_count_wide`,
              columns: wide,
              undoBytesMax,
            }),
          ]),
    ],
    save: (row, { from, condition } = { from: "", condition: "1" }) => {
      const rest = `${from} WHERE ${condition} AND ${isToBeEntered(keyColumnsSql(row, table.key))}`;
      const values = columns.map(nameOwnColumns(row));
      const saved =
        insertSql(log, [BORN, ...narrow], ["0", ...values.slice(0, narrow.length)]) + rest;
      if (wide.length === 0) return [saved];
      const inWideLog = [...values.slice(0, keys.length), ...values.slice(narrow.length)];
      // The wide part comes first, while the key has no entry yet.
      return [insertSql(wideLog, [...keys, ...wide], inWideLog) + rest, saved];
    },
    birth: (key, condition = "1") => {
      const isKey = key.map((value) => `${value} IS NOT NULL`).join(" AND ");
      const insert = insertSql(log, [BORN, ...keys], ["1", ...key]);
      return `${insert} WHERE ${isKey} AND ${condition} AND ${isToBeEntered(key)}`;
    },
    hasEntrySql,
    savedRows: selectRowsFrom({
      from: `${q(log)} AS tmp_u${wide.length === 0 ? "" : join}`,
      column: (name) => (isWide.has(name) ? inWide : inNarrow)(name),
      where: `tmp_u.${BORN} = 0`,
    }),
  };
}

/** The stored columns of a row except its one key. */
function besidesKey(table: Table): string[] {
  return listRowColumns(table).slice(1);
}

/** An INSERT of one row, or of several if a FROM is appended. */
function insertSql(log: string, columns: string[], values: string[]): string {
  return `INSERT INTO ${q(log)} (${columns.join(", ")}) SELECT ${values.join(", ")}`;
}

/**
 * True when the log is full, even while a single trigger enters the many rows that one row
 * replaces.
 */
function isFullSql(names: SnapshotNames): string {
  return `(SELECT lease_until FROM ${q(names.state)}) = ${LEASE_STOPPED}`;
}

/**
 * Adds each entry of a log to the bytes that the state row counts. The entry that exceeds the limit
 * ends the lease, which stops all watching triggers: later writes copy nothing and look nothing up.
 */
function countTrigger(
  names: SnapshotNames,
  counted: { log: string; event: string; columns: string[]; born?: string; undoBytesMax: number },
): string {
  const { log, event, columns, born, undoBytesMax } = counted;
  // The shared log has a guard, which must come first: it decides what is entered.
  const isShared = log === names.sharedUndo;
  const guard = isShared ? "" : `SELECT RAISE(IGNORE) WHERE ${isFullSql(names)}; `;
  const values = bytesSql(columns.map((name) => `NEW.${name}`));
  const bytes = born === undefined ? values : `${BIRTH_BYTES} * NEW.${born} + ${values}`;
  return (
    `CREATE TRIGGER ${q(`${names.prefix}${event}`)} ${isShared ? "AFTER" : "BEFORE"} INSERT ON ${q(log)} ` +
    `BEGIN ${guard}UPDATE ${q(names.state)} SET undo_bytes = undo_bytes + ${bytes}; ` +
    `UPDATE ${q(names.state)} SET lease_until = ${LEASE_STOPPED} WHERE undo_bytes > ${undoBytesMax}; END`
  );
}
