import type { WrittenTable } from "./snapshot-schemas.ts";
import { q, type Random, writeSql } from "./snapshot-writes.ts";

const CONFLICTS = ["", "", "", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ABORT", "OR ROLLBACK"];

const NUMBERS = (random: Random): string => String(random.below(14) - 2);

function valueSql(random: Random): string {
  const number = NUMBERS(random);
  return random.of([number, number, number, number, `'${number}'`, "'a'", "'A'", "NULL", "2.5"]);
}

function whereSql(random: Random, table: WrittenTable): string {
  const column = q(random.of(table.columns));
  const other = q(random.of(table.columns));
  const low = random.below(10) - 2;
  return random.of([
    "",
    `WHERE ${column} BETWEEN ${low} AND ${low + random.below(9)}`,
    `WHERE ${column} >= ${low}`,
    `WHERE ${column} > ${low} AND ${other} < ${low + 6}`,
    `WHERE ${column} = ${valueSql(random)}`,
    `WHERE ${column} IN (${valueSql(random)}, ${valueSql(random)}, ${valueSql(random)})`,
    `WHERE ${column} = ${valueSql(random)} OR ${other} = ${valueSql(random)}`,
    `WHERE ${column} IN (SELECT ${other} FROM ${q(table.name)} ORDER BY ${column} LIMIT 3)`,
    `WHERE ${column} IN (SELECT ${column} FROM ${q(table.name)} WHERE ${other} > ${low} LIMIT 3)`,
    `WHERE ${column} IS NOT NULL`,
  ]);
}

function insertSql(random: Random, table: WrittenTable, tables: readonly WrittenTable[]): string {
  const columns = table.columns.filter(() => random.isTrue(0.85));
  const chosen = columns.length > 0 ? columns : table.columns;
  const into = `INSERT ${random.of(CONFLICTS)} INTO ${q(table.name)}`;
  const list = `(${chosen.map(q).join(", ")})`;
  const other = random.of(tables);
  const kind = random.next();
  if (kind < 0.1) return `${into} SELECT * FROM ${q(other.name)}`;
  if (kind < 0.3) {
    const terms = chosen.map((column) =>
      other.columns.includes(column) && random.isTrue(0.8)
        ? random.of([q(column), q(column), `${q(column)} + 1`])
        : valueSql(random),
    );
    const order = random.of([
      "",
      "",
      " LIMIT 4",
      ` ORDER BY ${q(random.of(other.columns))} DESC LIMIT 4`,
    ]);
    const from = `FROM ${q(other.name)} ${whereSql(random, other)}${order}`;
    return `${into}${list} SELECT ${terms.join(", ")} ${from}`;
  }
  const rows = Array.from(
    { length: 1 + random.below(random.isTrue(0.5) ? 1 : 5) },
    () => `(${chosen.map(() => valueSql(random)).join(", ")})`,
  );
  const values = `${list} VALUES ${rows.join(", ")}`;
  if (kind < 0.5 && table.conflictTargets.length > 0) {
    const column = q(random.of(table.columns));
    const set = random.of([`${column} + 1`, `excluded.${column}`, valueSql(random)]);
    const doing = random.of([
      "DO NOTHING",
      `DO UPDATE SET ${column} = ${set}`,
      `DO UPDATE SET ${column} = ${set} WHERE ${column} < 5`,
    ]);
    const target = random.of(table.conflictTargets);
    return `INSERT INTO ${q(table.name)}${values} ON CONFLICT (${target}) ${doing}`;
  }
  return into + values;
}

function updateSql(random: Random, table: WrittenTable, tables: readonly WrittenTable[]): string {
  const column = random.of(table.columns);
  const other = random.of(table.columns);
  // Values that move to their neighbors, found by another column's index.
  if (random.isTrue(0.3)) {
    const low = random.below(10) - 2;
    const range = `${q(other)} BETWEEN ${low} AND ${low + random.below(9)}`;
    const move = random.of(["+ 1", "- 1", "+ 2", "* 2", "* -1"]);
    const conflict = random.of(["", "", ...CONFLICTS]);
    return `UPDATE ${conflict} ${q(table.name)} SET ${q(column)} = ${q(column)} ${move} WHERE ${range}`.replace(
      "UPDATE  ",
      "UPDATE ",
    );
  }
  const value = random.of([
    `${q(column)} + ${1 + random.below(3)}`,
    `${q(column)} - 1`,
    `-${q(column)}`,
    `${q(column)} || ''`,
    valueSql(random),
    q(other),
    `(SELECT max(${q(other)}) FROM ${q(table.name)}) + 1`,
  ]);
  const second =
    other !== column && random.isTrue(0.25) ? `, ${q(other)} = ${valueSql(random)}` : "";
  const start =
    `UPDATE ${random.of(CONFLICTS)} ${q(table.name)} SET ${q(column)} = ${value}${second}`.replace(
      "UPDATE  ",
      "UPDATE ",
    );
  if (random.isTrue(0.08)) {
    const from = random.of(tables);
    const match = `${q(table.name)}.${q(other)} = tmp_f.${q(random.of(from.columns))}`;
    return `UPDATE ${q(table.name)} SET ${q(column)} = tmp_f.${q(random.of(from.columns))} FROM ${q(from.name)} AS tmp_f WHERE ${match}`;
  }
  return `${start} ${whereSql(random, table)}`;
}

/** One random statement whose result depends on the order in which SQLite visits rows. */
export function writerSql(random: Random, tables: readonly WrittenTable[]): string {
  const table = random.of(tables);
  const kind = random.next();
  if (kind < 0.15) return writeSql(random, table, CONFLICTS);
  const returning = random.isTrue(0.2) ? ` RETURNING *` : "";
  if (kind < 0.5) return insertSql(random, table, tables) + returning;
  if (kind < 0.85) return updateSql(random, table, tables) + returning;
  return `DELETE FROM ${q(table.name)} ${whereSql(random, table)}${returning}`;
}
