import { quoteIdentifier as q } from "../../dump/identifier.ts";
import type { SchemaObject, Table } from "../../model/catalog.ts";
import { ExportError } from "../../model/error.ts";
import { STATEMENT_BYTES_MAX } from "../../model/limits.ts";
import type { SnapshotNames } from "./names.ts";
import { REPLACED, replacedRows } from "./replaced-rows.ts";
import { keyOf, sameKeySql } from "./row-sql.ts";
import { newValueSql } from "./schema-text.ts";
import { undoLogOf } from "./undo-log.ts";

/** Watching triggers a table. */
export const TRIGGERS_PER_TABLE = 5;

/**
 * Statements by which a table is watched: what of its undo log is its own, and the five triggers that
 * fill it.
 *
 * Errors: `table-too-wide-for-snapshot`.
 */
export function watchTableSql(
  names: SnapshotNames,
  number: number,
  table: Table,
  of: { triggers: readonly SchemaObject[]; undoBytesMax: number },
): string[] {
  const log = undoLogOf(names, number, table);
  const replaced = replacedRows(names, number, table, of.triggers);
  const tables = replaced.createProbe === undefined ? [] : [replaced.createProbe];
  const saveReplaced = (event: "insert" | "update"): string[] =>
    replaced
      .conditions(event)
      .flatMap((condition) =>
        log.save(REPLACED, { from: ` FROM ${q(table.name)} AS ${REPLACED}`, condition }),
      );
  const expected = table.key.map((column) =>
    newValueSql(
      table.columns.find((each) => each.name === column.name),
      column.name,
    ),
  );
  const isFree =
    `NOT EXISTS (SELECT 1 FROM ${q(table.name)} AS ${REPLACED} ` +
    `WHERE ${sameKeySql(REPLACED, table.key, expected)})`;
  const trigger = (event: string, when: string, body: string[]): string =>
    triggerSql({ names, number, table }, { event, when, body });
  const watching = [
    trigger("before_insert", "BEFORE INSERT", [
      ...replaced.prepare("insert"),
      ...saveReplaced("insert"),
      log.birth(expected, isFree),
    ]),
    trigger("after_insert", "AFTER INSERT", [log.birth(keyOf("NEW", table.key))]),
    trigger("before_update", "BEFORE UPDATE", [
      ...log.save("OLD"),
      ...replaced.prepare("update"),
      ...saveReplaced("update"),
      log.birth(expected, isFree),
    ]),
    trigger("after_update", "AFTER UPDATE", [log.birth(keyOf("NEW", table.key))]),
    witnessSql(names, number, table),
  ];
  const statements = [...log.create(of.undoBytesMax), ...tables, ...watching];
  if (statements.some((sql) => Buffer.byteLength(sql) > STATEMENT_BYTES_MAX)) {
    throw new ExportError(
      "table-too-wide-for-snapshot",
      `table ${q(table.name)} has so many and long column names that a trigger over it is longer ` +
        `than ${STATEMENT_BYTES_MAX} bytes`,
    );
  }
  return statements;
}

/** What the names of witnesses end in. */
export const WITNESS = "before_delete";

/**
 * The trigger by which a page knows a watched table again: SQLite keeps its text and changes it with
 * every name in it, the table's and each stored column's, and it is gone when the table is.
 */
export function witnessSql(names: SnapshotNames, number: number, table: Table): string {
  const body = undoLogOf(names, number, table).save("OLD");
  return triggerSql({ names, number, table }, { event: WITNESS, when: "BEFORE DELETE", body });
}

function triggerSql(
  of: { names: SnapshotNames; number: number; table: Table },
  { event, when, body }: { event: string; when: string; body: string[] },
): string {
  const lease = `(SELECT lease_until FROM ${q(of.names.state)}) > unixepoch()`;
  return (
    `CREATE TRIGGER ${q(of.names.trigger(of.number, event))} ${when} ON ${q(of.table.name)} ` +
    `WHEN ${lease} BEGIN ${body.join("; ")}; END`
  );
}
