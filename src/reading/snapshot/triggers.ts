import { nameOwnColumns } from "../../sqlite/column-sql.ts";
import { quoteIdentifier as q, quoteText } from "../../sqlite/identifier.ts";
import type { SchemaObject, Table } from "../../sqlite/catalog.ts";
import { ExportError } from "../../api/errors.ts";
import { shortenName } from "../../sqlite/statement-length.ts";
import { STATEMENT_BYTES_MAX } from "../../api/limits.ts";
import type { SnapshotNames } from "./names.ts";
import { REPLACED, planReplacedRows } from "./replaced-rows.ts";
import { keyColumnsSql, sameKeySql } from "./row-sql.ts";
import { newValueSql } from "../../sqlite/schema-text.ts";
import { chooseUndoLog } from "./undo-log.ts";

/** How a table is watched. */
export interface Watch {
  /** The table's own part of the undo log, then the triggers that fill it. */
  statements: string[];
  /** How many triggers are on the table itself. */
  triggers: number;
}

/**
 * Returns the statements that watch a table: five triggers, and the objects that they need. If
 * names are so long that a trigger would exceed a statement's limit, several triggers share its
 * work.
 *
 * Errors: `table-too-wide-for-snapshot` if a single statement would still exceed the limit.
 */
export function watchTable(
  names: SnapshotNames,
  number: number,
  table: Table,
  given: { triggers: readonly SchemaObject[]; undoBytesMax: number },
): Watch {
  const log = chooseUndoLog(names, number, table);
  const replaced = planReplacedRows(names, number, table, given.triggers);
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
    `WHERE ${sameKeySql(nameOwnColumns(REPLACED), table.key, expected)})`;
  const watched = { names, number, table };
  const watching = [
    ...triggersSql(watched, "BEFORE INSERT", [
      ...replaced.prepare("insert"),
      ...saveReplaced("insert"),
      log.birth(expected, isFree),
    ]),
    ...triggersSql(watched, "AFTER INSERT", [log.birth(keyColumnsSql("NEW", table.key))]),
    ...triggersSql(watched, "BEFORE UPDATE", [
      ...log.save("OLD"),
      ...replaced.prepare("update"),
      ...saveReplaced("update"),
      log.birth(expected, isFree),
    ]),
    ...triggersSql(watched, "AFTER UPDATE", [log.birth(keyColumnsSql("NEW", table.key))]),
    witnessSql(names, number, table),
  ];
  const statements = [...log.create(given.undoBytesMax), ...tables, ...watching];
  if (statements.some((sql) => isTooLong(sql, table))) {
    throw new ExportError(
      "table-too-wide-for-snapshot",
      `table ${shortenName(table.name)} has so many and such long names that a trigger over it is longer ` +
        `than ${STATEMENT_BYTES_MAX} bytes`,
    );
  }
  return { statements, triggers: watching.length };
}

/**
 * Shorter schema texts cannot make a trigger too long: a statement contains each name only a few
 * times.
 */
const SHORT_SCHEMA_BYTES = 8_000;

/** As long as the number of any table. */
const ANY_NUMBER = 99_999;

/** True if none of the statements that watch the table is too long. */
export function fitsTriggers(
  names: SnapshotNames,
  table: Table,
  triggers: readonly SchemaObject[],
): boolean {
  const texts = [table.sql, ...table.indexes.map(({ sql = "" }) => sql)];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= SHORT_SCHEMA_BYTES) return true;
  try {
    watchTable(names, ANY_NUMBER, table, { triggers, undoBytesMax: Number.MAX_SAFE_INTEGER });
    return true;
  } catch (error) {
    if (error instanceof ExportError && error.code === "table-too-wide-for-snapshot") return false;
    throw error;
  }
}

/** The text that SQLite adds to a CREATE statement, with a margin, in bytes. */
const CREATE_REST_BYTES = 300;

/**
 * SQLite puts a CREATE statement, as text, into an INSERT of its own with the table's name, and the
 * same limit applies to that INSERT.
 */
function isTooLong(sql: string, table: Table): boolean {
  const bytes = Buffer.byteLength(quoteText(sql)) + Buffer.byteLength(quoteText(table.name));
  return bytes + CREATE_REST_BYTES > STATEMENT_BYTES_MAX;
}

/** The suffix of the names of witnesses. */
export const WITNESS = "before_delete";

/**
 * The trigger by which a page recognizes a watched table: SQLite keeps its text, updates every name
 * in it (the table's and each stored column's), and removes it with the table.
 */
export function witnessSql(names: SnapshotNames, number: number, table: Table): string {
  const body = chooseUndoLog(names, number, table).save("OLD");
  return triggerSql({ names, number, table }, { event: WITNESS, when: "BEFORE DELETE", body });
}

/** As long as the name of any trigger's event. */
const LONGEST_EVENT = "before_update_1000";

interface Watched {
  names: SnapshotNames;
  number: number;
  table: Table;
}

/**
 * The triggers that run `body` at an event: one, or several if its statements together are too
 * long. The trigger created last fires first, so they are created in reverse.
 */
function triggersSql(watched: Watched, when: string, body: readonly string[]): string[] {
  const parts: string[][] = [[]];
  for (const statement of body) {
    const part = parts.at(-1) as string[];
    const grown = [...part, statement];
    if (
      part.length > 0 &&
      isTooLong(triggerSql(watched, { event: LONGEST_EVENT, when, body: grown }), watched.table)
    ) {
      parts.push([statement]);
    } else {
      part.push(statement);
    }
  }
  const event = when.toLowerCase().replace(" ", "_");
  return parts
    .map((part, at) =>
      triggerSql(watched, { event: at === 0 ? event : `${event}_${at + 1}`, when, body: part }),
    )
    .reverse();
}

function triggerSql(
  watched: Watched,
  { event, when, body }: { event: string; when: string; body: readonly string[] },
): string {
  const lease = `(SELECT lease_until FROM ${q(watched.names.state)}) > unixepoch()`;
  return (
    `CREATE TRIGGER ${q(watched.names.trigger(watched.number, event))} ${when} ON ${q(watched.table.name)} ` +
    `WHEN ${lease} BEGIN ${body.join("; ")}; END`
  );
}
