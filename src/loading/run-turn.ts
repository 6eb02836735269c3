import { ExportError } from "../api/errors.ts";
import type { Source, SourceStatement } from "../databases/source.ts";
import type { LoadPosition, ScriptPlace } from "../rpc/load-plan.ts";
import type { StatementPlaceDetails } from "./describe-statement.ts";
import {
  beginTurnSql,
  endTurnSql,
  isElsewhere,
  markStatementSql,
  type PositionedTurn,
  readPosition,
} from "./position.ts";

/** One statement of a script, ready to run. */
export interface LoadableStatement {
  place: StatementPlaceDetails;
  table?: string;
  /** What the platform runs for it. */
  run: SourceStatement[];
  /** The place after it. */
  after: ScriptPlace;
}

/** Where statements are run. */
export interface LoadTarget {
  source: Source;
  restoreId: string;
  /** False if the database keeps what a failed transaction has done. */
  rollsBack: boolean;
}

/** What turns have cost, as the runtime bills it. */
export interface TurnUsage {
  rowsRead: number;
  rowsWritten: number;
}

/**
 * Runs statements in one turn, which also moves the position, and returns the new position. If one fails, the
 * others before it are still loaded, as long as the database rolls back, and the error names it.
 *
 * Errors: `statement-failed`; `try-overtaken` if another attempt has moved the position; the source's own.
 */
export async function runStatements(
  target: LoadTarget,
  from: LoadPosition,
  statements: readonly LoadableStatement[],
  usage: TurnUsage,
): Promise<LoadPosition> {
  const last = statements.at(-1);
  if (last === undefined) return from;
  const to = { ...last.after, pass: from.pass, moves: from.moves };
  const turn: PositionedTurn = {
    restoreId: target.restoreId,
    from,
    to,
    countsRows: true,
    markers: target.rollsBack ? 0 : statements.length,
  };
  const run = statements.flatMap((statement) => [
    ...(target.rollsBack
      ? []
      : [{ sql: markStatementSql(target.restoreId, statement.place.statement) }]),
    ...statement.run,
  ]);
  try {
    await runTurn(target.source, turn, run, usage);
    return { ...to, rows: from.rows };
  } catch (error) {
    if (!(error instanceof ExportError) || error.code !== "source-query-failed") throw error;
    if (!target.rollsBack) throw failed(await findMarked(target, statements), error);
    const [only] = statements;
    if (only !== undefined && statements.length === 1) throw failed(only, error);
    // Half of them at a time: the statements before the failing one are loaded, and it is the last
    // one left.
    const half = statements.length >> 1;
    const middle = await runStatements(target, from, statements.slice(0, half), usage);
    return runStatements(target, middle, statements.slice(half), usage);
  }
}

/**
 * Runs statements between those that check and move the position. Errors: `try-overtaken` if the target is not
 * where the turn starts; the source's own.
 */
export async function runTurn(
  source: Source,
  turn: PositionedTurn,
  statements: readonly SourceStatement[],
  usage: TurnUsage,
): Promise<void> {
  try {
    const results = await source.transaction([
      { sql: beginTurnSql(turn) },
      ...statements,
      { sql: endTurnSql(turn) },
    ]);
    for (const { rowsRead, rowsWritten } of results) {
      usage.rowsRead += rowsRead;
      usage.rowsWritten += rowsWritten;
    }
  } catch (cause) {
    if (!isElsewhere(cause)) throw cause;
    throw new ExportError("try-overtaken", "another attempt loads the same statements", { cause });
  }
}

/** Returns the statement at which a turn stopped in a database that does not roll back. */
async function findMarked(
  { source, restoreId }: LoadTarget,
  statements: readonly LoadableStatement[],
): Promise<LoadableStatement> {
  const { running } = await readPosition(source, restoreId);
  const marked = statements.find(({ place }) => place.statement === running);
  return marked ?? (statements[0] as LoadableStatement);
}

/** Returns the error of a statement that the database refuses. */
export function failed(
  { place, table }: Pick<LoadableStatement, "place" | "table">,
  cause: Error,
): ExportError {
  const { statement, line, offset, sql } = place;
  const reason = cause.message;
  const into = table === undefined ? "" : ` (table ${JSON.stringify(table)})`;
  return new ExportError(
    "statement-failed",
    `statement ${statement}, line ${line}, byte ${offset}${into}: ${reason}: ${sql}`,
    { cause, details: { ...place, ...(table !== undefined && { table }), reason } },
  );
}
