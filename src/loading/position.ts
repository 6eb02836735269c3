import { ExportError } from "../api/errors.ts";
import type { Source, SourceStatement } from "../databases/source.ts";
import type { LoadPosition } from "../rpc/load-plan.ts";
import { quoteText } from "../sqlite/identifier.ts";
import { CAN_EXPORT_KEY_VALUES } from "../sqlite/key-values.ts";
import { RESTORE_MARK, RESTORE_TABLE } from "../sqlite/own-objects.ts";

/**
 * - `running`: the number of the statement that a turn is running; 0 between turns. A failed turn leaves it only in a
 *   database that does not roll back.
 * - `move`: how far the current move has got; see `move-rows.ts`.
 *
 * The table is WITHOUT ROWID, so a turn does not change what `last_insert_rowid()` returns.
 */
const COLUMNS =
  "(id TEXT NOT NULL PRIMARY KEY, pass INTEGER NOT NULL, text_bytes INTEGER NOT NULL, statements INTEGER NOT NULL, " +
  "lines INTEGER NOT NULL, rows INTEGER NOT NULL, moves INTEGER NOT NULL, running INTEGER NOT NULL, " +
  `move TEXT ${RESTORE_MARK}) WITHOUT ROWID`;

/** The pass of a restore that must still clear its target, and the pass of one that is ending. */
export const PASS_CLEARING = 0;
export const PASS_CLOSING = -1;

/** Creates the position of a new restore, unless it exists. */
export function insertPositionSql(restoreId: string, pass = 1): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${RESTORE_TABLE} ${COLUMNS}`,
    `INSERT OR IGNORE INTO ${RESTORE_TABLE} VALUES (${quoteText(restoreId)}, ${pass}, 0, 0, 0, 0, 0, 0, NULL)`,
  ];
}

/**
 * Returns the first statement of a turn that moves a restore from one of the passes `from`, or from any pass, to
 * `to`. If the restore is in another pass, or is gone, the statement fails in a way that `isElsewhere` recognizes.
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
    "text_bytes, statements, lines, rows, moves, running, move " +
    `FROM (SELECT ${id} AS wanted) LEFT JOIN ${RESTORE_TABLE} ON id = wanted`
  );
}

/**
 * Returns the first statement of a turn. If any restore has a position, it fails in a way that `isElsewhere`
 * recognizes.
 */
export function requireNoneSql(): string {
  return `INSERT INTO ${RESTORE_TABLE} SELECT id, NULL, 0, 0, 0, 0, 0, 0, NULL FROM ${RESTORE_TABLE} LIMIT 1`;
}

/** A position, as the target stores it. */
export interface StoredPosition extends LoadPosition {
  /** The number of a statement that failed in a database that does not roll back; otherwise 0. */
  running: number;
  /** How far the current move has got; null before its first turn. */
  move: string | null;
}

/** Reads how far a restore has got. Errors: `restore-interrupted` if its row is gone, the source's own. */
export async function readPosition(source: Source, restoreId: string): Promise<StoredPosition> {
  const columns = "pass, text_bytes, statements, lines, rows, moves, running, move";
  const sql = `SELECT ${columns} FROM ${RESTORE_TABLE} WHERE id = ${quoteText(restoreId)}`;
  const found = await source.query({ sql }).catch((cause: unknown) => {
    if (isGone(cause)) return { rows: [] };
    throw cause;
  });
  const [row] = found.rows;
  if (row === undefined) {
    throw new ExportError(
      "restore-interrupted",
      `the target no longer has the restore's row in ${RESTORE_TABLE}`,
    );
  }
  const [pass = 0, textBytes = 0, statements = 0, lines = 0, rows = 0, moves = 0, running = 0] =
    row.map(Number);
  const move = row[7] === null ? null : String(row[7]);
  return { pass, textBytes, statements, lines, rows, moves, running, move };
}

/** A turn that changes the position. */
export interface PositionedTurn {
  restoreId: string;
  /** The position at which the turn starts. If the target has another position, another attempt was faster. */
  from: StoredPosition;
  to: Omit<StoredPosition, "running">;
}

/**
 * Returns the first statement of a turn. It fails if the target is not at the turn's start, because it would set
 * the position to NULL, which is not allowed. No other statement of the turn has run then.
 */
export function beginTurnSql({ restoreId, from }: PositionedTurn): string {
  const id = quoteText(restoreId);
  const isHere =
    `running = 0 AND pass = ${from.pass} AND text_bytes = ${from.textBytes} AND moves = ${from.moves} ` +
    `AND move IS ${writeMove(from.move)}`;
  return (
    `REPLACE INTO ${RESTORE_TABLE} SELECT ${id}, ` +
    `(SELECT CASE WHEN ${isHere} THEN pass END FROM ${RESTORE_TABLE} WHERE id = ${id}), ` +
    `text_bytes, statements, lines, rows, moves, ${from.statements + 1}, move ` +
    `FROM (SELECT ${id} AS wanted) LEFT JOIN ${RESTORE_TABLE} ON id = wanted`
  );
}

/** Returns the last statement of a turn, which changes the position. It fails if the turn has deleted the position. */
export function endTurnSql({ restoreId, to }: PositionedTurn): string {
  const id = quoteText(restoreId);
  return (
    `REPLACE INTO ${RESTORE_TABLE} VALUES (${id}, (SELECT ${to.pass} FROM ${RESTORE_TABLE} WHERE id = ${id}), ` +
    `${to.textBytes}, ${to.statements}, ${to.lines}, ${to.rows}, ${to.moves}, 0, ${writeMove(to.move)})`
  );
}

function writeMove(move: string | null): string {
  return move === null ? "NULL" : quoteText(move);
}

/** Returns the statement that records which statement runs next, for databases that do not roll back. */
export function markStatementSql(restoreId: string, number: number): string {
  return `UPDATE ${RESTORE_TABLE} SET running = ${number} WHERE id = ${quoteText(restoreId)}`;
}

/** True if a turn failed in its first statement, because the target is at another position or its table is gone. */
export function isElsewhere(error: unknown): boolean {
  return isGone(error) || failsWith(error, `NOT NULL constraint failed: ${RESTORE_TABLE}.`);
}

function isGone(error: unknown): boolean {
  return failsWith(error, `no such table: ${RESTORE_TABLE}`);
}

function failsWith(error: unknown, message: string): boolean {
  return (
    error instanceof ExportError &&
    error.code === "source-query-failed" &&
    error.message.includes(message)
  );
}

/**
 * Reports whether the database undoes a transaction if one of its statements fails. A Durable Object of
 * StarbaseDB's class does not. Errors: the source's own.
 */
export async function rollsBack(source: Source): Promise<boolean> {
  if (source.alwaysRollsBack) return true;
  // The classes of `withExport` do. A probe would print an error in their logs.
  if ((await source.query({ sql: CAN_EXPORT_KEY_VALUES })).rows.length > 0) return true;
  // The name is unique, since attempts may run at the same time.
  const id = quoteText(`probe ${crypto.randomUUID()}`);
  const insert = `INSERT INTO ${RESTORE_TABLE} VALUES (${id}, 1, 0, 0, 0, 0, 0, 0, NULL)`;
  const statements: SourceStatement[] = [{ sql: insert }, { sql: insert }];
  try {
    await source.transaction(statements);
  } catch (error) {
    if (!failsWith(error, "UNIQUE constraint failed")) throw error;
  }
  const sql = `DELETE FROM ${RESTORE_TABLE} WHERE id = ${id} RETURNING id`;
  return (await source.query({ sql })).rows.length === 0;
}
