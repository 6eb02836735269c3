import { ExportError } from "../api/errors.ts";
import type { Source, SourceStatement } from "../databases/source.ts";
import { LOAD_START, type LoadPosition } from "../rpc/load-plan.ts";
import { quoteText } from "../sqlite/identifier.ts";
import { RESTORE_MARK } from "./stage-sql.ts";

/** The table in which a target keeps how far it is loaded. */
export const RESTORE_TABLE = "tmp_export_restore";

/**
 * - `running`: the number of the statement that a turn is at; 0 between turns. It stays only in a database that
 *   does not roll back.
 * - `base`: the connection's count of changes when the turn began.
 * - `move_key`: the last rowid that the move under way has moved.
 */
export const CREATE_RESTORE_TABLE =
  `CREATE TABLE ${RESTORE_TABLE} (id TEXT NOT NULL PRIMARY KEY, pass INTEGER NOT NULL, ` +
  "text_bytes INTEGER NOT NULL, statements INTEGER NOT NULL, lines INTEGER NOT NULL, rows INTEGER NOT NULL, " +
  `moves INTEGER NOT NULL, running INTEGER NOT NULL, base INTEGER NOT NULL, move_key INTEGER ${RESTORE_MARK})`;

/** The pass of a restore whose target must be cleared before it, and of one that is being ended. */
export const PASS_CLEARING = 0;
export const PASS_CLOSING = -1;

/** Makes the position of a new restore, unless it is there. */
export function insertPositionSql(restoreId: string, pass = 1): string[] {
  return [
    CREATE_RESTORE_TABLE.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"),
    `INSERT OR IGNORE INTO ${RESTORE_TABLE} VALUES (${quoteText(restoreId)}, ${pass}, 0, 0, 0, 0, 0, 0, 0, NULL)`,
  ];
}

/**
 * Returns a turn's first statement that moves a restore from one of the passes `from`, or from any, to `to`. It
 * fails, as `isElsewhere` recognizes, if the restore is not in such a pass, or is gone.
 */
export function claimSql(
  restoreId: string,
  { from, to }: { from: readonly number[] | null; to: number },
): string {
  const id = quoteText(restoreId);
  const isHere = from === null ? "1" : `pass IN (${from.join(", ")})`;
  return (
    `REPLACE INTO ${RESTORE_TABLE} SELECT ${id}, ` +
    `(SELECT CASE WHEN ${isHere} THEN ${to} END FROM ${RESTORE_TABLE} WHERE id = ${id}), ` +
    "text_bytes, statements, lines, rows, moves, running, base, move_key " +
    `FROM (SELECT ${id} AS wanted) LEFT JOIN ${RESTORE_TABLE} ON id = wanted`
  );
}

/** A position as the target has it. */
export interface StoredPosition extends LoadPosition {
  /** Not 0 if a statement failed in a database that does not roll back: that statement's number. */
  running: number;
  /** The last rowid that the move under way has moved, in digits; null before the first. */
  moveKey: string | null;
}

/** Reads how far a restore is. Errors: `restore-interrupted` if its row is gone, the source's own. */
export async function readPosition(source: Source, restoreId: string): Promise<StoredPosition> {
  const columns =
    "pass, text_bytes, statements, lines, rows, moves, running, CAST(move_key AS TEXT)";
  const { rows } = await source
    .query({ sql: `SELECT ${columns} FROM ${RESTORE_TABLE} WHERE id = ${quoteText(restoreId)}` })
    .catch((cause: unknown) => {
      if (
        cause instanceof ExportError &&
        cause.message.includes(`no such table: ${RESTORE_TABLE}`)
      ) {
        return { rows: [] };
      }
      throw cause;
    });
  const [row] = rows;
  if (row === undefined) {
    throw new ExportError(
      "restore-interrupted",
      `the target no longer has its row in ${RESTORE_TABLE}`,
    );
  }
  const [pass, textBytes, statements, lines, count, moves, running] = row.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    ...LOAD_START,
    pass,
    textBytes,
    statements,
    lines,
    rows: count,
    moves,
    running,
    moveKey: row[7] === null ? null : String(row[7]),
  };
}

/** A turn that moves the position. */
export interface PositionedTurn {
  restoreId: string;
  /** The start of the turn. Another position means that another attempt was faster. */
  from: LoadPosition;
  to: Omit<LoadPosition, "rows">;
  /** False if the turn's changes are no rows of the script. */
  countsRows: boolean;
  /** Statements of the turn that write only markers. */
  markers: number;
}

/**
 * Returns the first statement of a turn. It fails if the target is not at the turn's start: its position would
 * become NULL, which is not allowed. Nothing of the turn has run then.
 */
export function beginTurnSql({ restoreId, from }: PositionedTurn): string {
  const id = quoteText(restoreId);
  const isHere = `running = 0 AND pass = ${from.pass} AND text_bytes = ${from.textBytes} AND moves = ${from.moves}`;
  return (
    `REPLACE INTO ${RESTORE_TABLE} SELECT ${id}, ` +
    `(SELECT CASE WHEN ${isHere} THEN pass END FROM ${RESTORE_TABLE} WHERE id = ${id}), ` +
    `text_bytes, statements, lines, rows, moves, ${from.statements + 1}, total_changes(), move_key ` +
    `FROM (SELECT ${id} AS wanted) LEFT JOIN ${RESTORE_TABLE} ON id = wanted`
  );
}

/** Returns the last statement of a turn, which moves the position. */
export function endTurnSql({ restoreId, to, countsRows, markers }: PositionedTurn): string {
  // The first statement of the turn has changed one row.
  const rows = countsRows ? `rows + total_changes() - base - ${1 + markers}` : "rows";
  return (
    `UPDATE ${RESTORE_TABLE} SET pass = ${to.pass}, text_bytes = ${to.textBytes}, ` +
    `statements = ${to.statements}, lines = ${to.lines}, rows = ${rows}, moves = ${to.moves}, running = 0 ` +
    `WHERE id = ${quoteText(restoreId)}`
  );
}

/** Returns the statement that records which statement comes next, for databases that do not roll back. */
export function markStatementSql(restoreId: string, number: number): string {
  return `UPDATE ${RESTORE_TABLE} SET running = ${number} WHERE id = ${quoteText(restoreId)}`;
}

/** True if a turn failed in its first statement: the target is elsewhere, or the table is gone. */
export function isElsewhere(error: unknown): boolean {
  return (
    error instanceof ExportError &&
    error.code === "source-query-failed" &&
    (error.message.includes(`NOT NULL constraint failed: ${RESTORE_TABLE}.`) ||
      error.message.includes(`no such table: ${RESTORE_TABLE}`))
  );
}

/**
 * Reports whether the database undoes a transaction of which a statement fails. A Durable Object of StarbaseDB's
 * class does not. Errors: the source's own.
 */
export async function rollsBack(source: Source, restoreId: string): Promise<boolean> {
  const probe = quoteText(`${restoreId} probe`);
  const statements: SourceStatement[] = [
    `INSERT OR REPLACE INTO ${RESTORE_TABLE} VALUES (${probe}, 1, 0, 0, 0, 0, 0, 0, 0, NULL)`,
    `INSERT INTO ${RESTORE_TABLE} VALUES (${probe}, 1, 0, 0, 0, 0, 0, 0, 0, NULL)`,
  ].map((sql) => ({ sql }));
  try {
    await source.transaction(statements);
  } catch (error) {
    if (!(error instanceof ExportError) || error.code !== "source-query-failed") throw error;
  }
  const sql = `DELETE FROM ${RESTORE_TABLE} WHERE id = ${probe} RETURNING id`;
  return (await source.query({ sql })).rows.length === 0;
}
