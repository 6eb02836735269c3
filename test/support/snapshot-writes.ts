import { ExportError } from "../../src/api/errors.ts";
import type { TableReader } from "../../src/reading/table-reader.ts";
import type { WrittenTable } from "./snapshot-schemas.ts";

/** A small number generator, so that a seed reproduces its numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0;
    for (let warm = 0; warm < 5; warm += 1) this.next();
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  isTrue(share: number): boolean {
    return this.next() < share;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

/** Reads fewer rows at once if `isSmall`: pages that are too large are read smaller. */
export function smallPages(reader: TableReader, isSmall: () => boolean): TableReader {
  let tries = 0;
  return {
    longRowsPageBytes: reader.longRowsPageBytes,
    extent: (table) => reader.extent?.(table) ?? {},
    keptPage: (table) => reader.keptPage?.(table),
    readOther: (statement) => reader.readOther(statement),
    readRows: (table, build) => {
      const isPage = table.key.length > 0 && build(() => "").length === 1;
      if (isPage && tries < 6 && isSmall()) {
        tries += 1;
        throw new ExportError("source-query-failed", "string or blob too big: SQLITE_TOOBIG");
      }
      tries = 0;
      return reader.readRows(table, build);
    },
  };
}

/** A quoted identifier. */
export const q = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function valueSql(random: Random, table?: WrittenTable, column?: string): string {
  const own = table?.values?.[column ?? ""];
  if (own !== undefined) return random.of(own);
  const small = String(random.below(9));
  return random.of([
    small,
    small,
    small,
    String(-random.below(4)),
    `${small}.0`,
    `'${small}'`,
    "'a'",
    "'A'",
    "'b'",
    "'b '",
    "NULL",
    "X'61'",
    "9007199254740993",
    `hex(zeroblob(${random.below(400)}))`,
  ]);
}

/** Only integers and NULL: SQLite may keep the rows before one whose rowid is not an integer. */
function keySql(random: Random): string {
  return random.isTrue(0.9) ? String(random.below(40) - 3) : "NULL";
}

const isKey = (column: string): boolean => ["id", "rowid", "i d"].includes(column);

function valuesSql(random: Random, table: WrittenTable, columns: string[]): string {
  const values = columns.map((column) => newValueSql(random, table, column));
  return `(${values.join(", ")})`;
}

function newValueSql(random: Random, table: WrittenTable, column: string): string {
  return isKey(column) ? keySql(random) : valueSql(random, table, column);
}

/** Conflict clauses of an INSERT, and how often each occurs. */
export const CONFLICTS = [
  "",
  "",
  "OR REPLACE",
  "OR REPLACE",
  "OR REPLACE",
  "OR IGNORE",
  "OR FAIL",
  "OR ABORT",
];

/** One INSERT of random rows, with a random conflict clause. */
export function insertSql(random: Random, table: WrittenTable): string {
  const columns = table.columns.filter((column) => random.isTrue(isKey(column) ? 0.6 : 0.9));
  const chosen = columns.length > 0 ? columns : table.columns;
  const rows = Array.from({ length: 1 + random.below(3) }, () => valuesSql(random, table, chosen));
  return (
    `INSERT ${random.of(CONFLICTS)} INTO ${q(table.name)}(${chosen.map(q).join(", ")}) ` +
    `VALUES ${rows.join(", ")}`
  );
}

function whereSql(random: Random, table: WrittenTable): string {
  const column = q(random.of(table.columns));
  return random.of([
    `WHERE ${column} = ${valueSql(random)}`,
    `WHERE ${column} > ${valueSql(random)}`,
    `WHERE ${column} IS NULL`,
    `WHERE ${column} IN (${valueSql(random)}, ${valueSql(random)})`,
    `WHERE ${column} = (SELECT max(${column}) FROM ${q(table.name)})`,
    "",
  ]);
}

/** One random statement that writes `table`. */
export function writeSql(
  random: Random,
  table: WrittenTable,
  updateConflicts: readonly string[],
): string {
  const kind = random.next();
  if (kind < 0.35) return insertSql(random, table);
  if (kind < 0.45 && table.conflictTargets.length > 0) {
    const column = random.of(table.columns);
    return (
      `INSERT INTO ${q(table.name)}(${table.columns.map(q).join(", ")}) VALUES ${valuesSql(random, table, table.columns)} ` +
      `ON CONFLICT (${random.of(table.conflictTargets)}) DO UPDATE SET ${q(column)} = ${newValueSql(random, table, column)}`
    );
  }
  if (kind < 0.55) {
    const list = table.columns.map(q).join(", ");
    return `INSERT ${random.of(CONFLICTS)} INTO ${q(table.name)}(${list}) SELECT ${list} FROM ${q(table.name)} ${whereSql(random, table)}`;
  }
  if (kind < 0.85) {
    const column = random.of(table.columns);
    const other = random.of(table.columns);
    const value =
      isKey(column) || table.values?.[column] !== undefined
        ? random.of([newValueSql(random, table, column), `${q(column)} + 1`, `-${q(column)}`])
        : random.of([valueSql(random), q(other), `${q(column)} + 1`, `${q(column)} || ''`]);
    const second = random.isTrue(0.3) ? `, ${q(other)} = ${newValueSql(random, table, other)}` : "";
    return `UPDATE ${random.of(updateConflicts)} ${q(table.name)} SET ${q(column)} = ${value}${column === other ? "" : second} ${whereSql(random, table)}`;
  }
  return `DELETE FROM ${q(table.name)} ${whereSql(random, table)}`;
}

/** The lines that one dump has and the other does not, ten of each. */
export function differenceOf(expected: Uint8Array, found: Uint8Array): string {
  const lines = (bytes: Uint8Array): string[] => Buffer.from(bytes).toString("utf8").split("\n");
  const [a, b] = [lines(expected), lines(found)];
  const missing = a.filter((line) => !b.includes(line)).map((line) => `- ${line.slice(0, 300)}`);
  const more = b.filter((line) => !a.includes(line)).map((line) => `+ ${line.slice(0, 300)}`);
  return [...missing.slice(0, 10), ...more.slice(0, 10)].join("\n");
}
