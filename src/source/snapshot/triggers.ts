import { quoteIdentifier as q } from "../../dump/identifier.ts";
import type { SchemaObject, Table } from "../../model/catalog.ts";
import { ExportError } from "../../model/error.ts";
import { STATEMENT_BYTES_MAX } from "../../model/limits.ts";
import { createRowsSql, undoLayout, wideKey } from "./layout.ts";
import type { SnapshotNames } from "./names.ts";
import { REPLACED, replacedRows } from "./replaced-rows.ts";
import {
  bytesSql,
  isNeededSql,
  isUnrecordedSql,
  type KeySql,
  keyOf,
  sameKeySql,
} from "./row-sql.ts";
import { newValueSql } from "./schema-text.ts";

/** Watching triggers a table. */
export const TRIGGERS_PER_TABLE = 5;

/** What a birth is counted as, in bytes, beside its key. */
const BIRTH_BYTES = 16;

/**
 * Statements that make the undo log of a table: its tables, what counts their bytes, and the five
 * triggers that fill them.
 *
 * The log has one entry for each key that is touched: the row as it was when the snapshot was
 * opened, or its birth where there was none. A key that has an entry is never entered again, and
 * the guard is NOT EXISTS, since the conflict clause of the user's statement overrides one of ours.
 *
 * Errors: `table-too-wide-for-snapshot`.
 */
export function watchTableSql(
  names: SnapshotNames,
  number: number,
  table: Table,
  triggers: readonly SchemaObject[],
): string[] {
  const layout = undoLayout(table);
  const births = names.births(number);
  const keyNames = table.key.map((column) => column.name);
  const replaced = replacedRows(names, number, table, triggers);
  const tables = [
    createRowsSql(names.undo(number), table.key, layout.narrow),
    createRowsSql(births, table.key, keyNames),
  ];
  const counted = [
    countTrigger(names, { of: names.undo(number), number, event: "undo", columns: layout.narrow }),
    countTrigger(names, {
      of: births,
      number,
      event: "births",
      columns: keyNames,
      extra: BIRTH_BYTES,
    }),
  ];
  if (layout.wide.length > 0) {
    const wideKeys = wideKey(table.key);
    const columns = [...wideKeys.map((column) => column.name), ...layout.wide];
    tables.push(createRowsSql(names.wide(number), wideKeys, columns));
    counted.push(
      countTrigger(names, { of: names.wide(number), number, event: "wide", columns: layout.wide }),
    );
  }
  if (replaced.createProbe !== undefined) tables.push(replaced.createProbe);

  const unrecorded = (values: KeySql): string =>
    `${isNeededSql(names, number, table.key, values)} AND ${isUnrecordedSql(names, number, table.key, values)}`;
  /** Saves the rows that `row` stands for: OLD, or an alias with its FROM and condition. */
  const save = (row: string, from: string, condition: string): string[] => {
    const where = `${condition === "" ? "" : `${condition} AND `}${unrecorded(keyOf(row, table.key))}`;
    const narrow = layout.narrow.map((name) => `${row}.${q(name)}`);
    const statements = [
      `INSERT INTO ${q(names.undo(number))} (${layout.narrow.map(q).join(", ")}) ` +
        `SELECT ${narrow.join(", ")}${from} WHERE ${where}`,
    ];
    if (layout.wide.length > 0) {
      const into = [...wideKey(table.key).map((column) => column.name), ...layout.wide];
      const values = [...keyOf(row, table.key), ...layout.wide.map((name) => `${row}.${q(name)}`)];
      // First, while the key has no entry yet.
      statements.unshift(
        `INSERT INTO ${q(names.wide(number))} (${into.map(q).join(", ")}) ` +
          `SELECT ${values.join(", ")}${from} WHERE ${where}`,
      );
    }
    return statements;
  };
  const saveReplaced = (event: "insert" | "update"): string[] =>
    replaced
      .conditions(event)
      .flatMap((condition) => save(REPLACED, ` FROM ${q(table.name)} AS ${REPLACED}`, condition));
  const birth = (values: KeySql, condition: string): string =>
    `INSERT INTO ${q(births)} (${keyNames.map(q).join(", ")}) SELECT ${values.join(", ")} ` +
    `WHERE ${[...values.map((value) => `${value} IS NOT NULL`), condition, unrecorded(values)]
      .filter((each) => each !== "")
      .join(" AND ")}`;
  const expected = table.key.map((column) =>
    newValueSql(
      table.columns.find((each) => each.name === column.name),
      column.name,
    ),
  );
  const isFree =
    `NOT EXISTS (SELECT 1 FROM ${q(table.name)} AS ${REPLACED} ` +
    `WHERE ${sameKeySql(REPLACED, table.key, expected)})`;
  const lease = `(SELECT lease_until FROM ${q(names.state)}) > unixepoch()`;
  const trigger = (event: string, when: string, body: string[]): string =>
    `CREATE TRIGGER ${q(names.trigger(number, event))} ${when} ON ${q(table.name)} ` +
    `WHEN ${lease} BEGIN ${body.join("; ")}; END`;
  const watching = [
    trigger("before_insert", "BEFORE INSERT", [
      ...replaced.prepare("insert"),
      ...saveReplaced("insert"),
      birth(expected, isFree),
    ]),
    trigger("after_insert", "AFTER INSERT", [birth(keyOf("NEW", table.key), "")]),
    trigger("before_update", "BEFORE UPDATE", [
      ...save("OLD", "", ""),
      ...replaced.prepare("update"),
      ...saveReplaced("update"),
      birth(expected, isFree),
    ]),
    trigger("after_update", "AFTER UPDATE", [birth(keyOf("NEW", table.key), "")]),
    trigger("before_delete", "BEFORE DELETE", save("OLD", "", "")),
  ];
  const statements = [...tables, ...counted, ...watching];
  if (statements.some((sql) => Buffer.byteLength(sql) > STATEMENT_BYTES_MAX)) {
    throw new ExportError(
      "table-too-wide-for-snapshot",
      `table ${q(table.name)} has so many and long column names that a trigger over it is longer ` +
        `than ${STATEMENT_BYTES_MAX} bytes`,
    );
  }
  return statements;
}

/** Adds each entry of the log to the bytes that the state row counts. */
function countTrigger(
  names: SnapshotNames,
  log: { of: string; number: number; event: string; columns: string[]; extra?: number },
): string {
  const bytes = bytesSql(log.columns.map((name) => `NEW.${q(name)}`));
  return (
    `CREATE TRIGGER ${q(`${names.prefix}t${log.number}_count_${log.event}`)} AFTER INSERT ON ${q(log.of)} ` +
    `BEGIN UPDATE ${q(names.state)} SET undo_bytes = undo_bytes + ${log.extra ?? 0} + ${bytes}; END`
  );
}
