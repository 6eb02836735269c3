import { ExportError } from "../api/errors.ts";
import type { Source, SourceStatement } from "../databases/source.ts";
import type { ScriptStatement } from "../sqlite/statement-splitter.ts";
import { failed } from "./describe-statement.ts";
import { type InsertedRows, RowMerger } from "./row-merger.ts";
import {
  beginTurnSql,
  endTurnSql,
  isElsewhere,
  markStatementSql,
  type PositionedTurn,
  readPosition,
  type StoredPosition,
} from "./position.ts";

/** One statement of a script, ready to run. */
export interface LoadableStatement {
  statement: ScriptStatement;
  table?: string;
  /** What the platform runs for it. */
  run: SourceStatement[];
  /** Plain rows, set instead of `run`. */
  rows?: InsertedRows;
  /** How many of the script's rows it inserts. */
  inserted?: number;
}

/** The database in which statements run. */
export interface LoadTarget {
  source: Source;
  restoreId: string;
  /** False if the database keeps what a failed transaction did. */
  rollsBack: boolean;
  /** What the turns have cost, as the runtime bills it. */
  usage: { rowsRead: number; rowsWritten: number };
}

/** What runs for one statement of a script, or for several statements whose rows are joined. */
interface Run {
  statements: LoadableStatement[];
  run: SourceStatement[];
}

/**
 * Runs statements in one turn that also moves the position to `to`, and returns the new position. If a statement
 * fails and the database rolls back, the statements before it are still loaded. The error names the statement.
 * Errors: `statement-failed`; `try-overtaken` if another attempt has moved the position; the source's own.
 */
export async function runStatements(
  target: LoadTarget,
  from: StoredPosition,
  statements: readonly LoadableStatement[],
  to: Omit<StoredPosition, "rows" | "running">,
): Promise<StoredPosition> {
  const { rollsBack, restoreId } = target;
  const runs = joinRows(statements);
  const rows = from.rows + statements.reduce((sum, { inserted = 0 }) => sum + inserted, 0);
  const turn: PositionedTurn = { restoreId, from, to: { ...to, rows } };
  try {
    await runTurn(
      target,
      turn,
      runs.flatMap(({ run, statements: [first] }) =>
        rollsBack ? run : [markSql(target, first), ...run],
      ),
    );
    return { ...to, rows, running: 0 };
  } catch (error) {
    if (!(error instanceof ExportError) || error.code !== "source-query-failed") throw error;
    if (!rollsBack) throw await findFailed(target, runs, error);
    const [only] = statements;
    if (only === undefined) throw error;
    if (statements.length === 1) throw failed(only.statement, { table: only.table, cause: error });
    // Runs half of them at a time. This loads the statements before the failing one, which is left over at the end.
    const half = statements.length >> 1;
    const before = statements.slice(0, half);
    const middle = { ...from, ...(before.at(-1) as LoadableStatement).statement.after };
    const position = await runStatements(target, from, before, middle);
    return runStatements(target, position, statements.slice(half), to);
  }
}

/** Returns what runs for statements, after joining rows that go into one table. */
function joinRows(statements: readonly LoadableStatement[]): Run[] {
  const runs: Run[] = [];
  let merger: RowMerger | undefined;
  let joined: LoadableStatement[] = [];
  const end = (): void => {
    if (merger !== undefined) runs.push({ statements: joined, run: merger.finish() });
    merger = undefined;
  };
  for (const each of statements) {
    const { rows, run } = each;
    if (rows !== undefined && merger?.add(rows) === true) {
      joined.push(each);
      continue;
    }
    end();
    if (rows === undefined) {
      runs.push({ statements: [each], run });
    } else {
      merger = new RowMerger(rows);
      joined = [each];
    }
  }
  end();
  return runs;
}

function markSql({ restoreId }: LoadTarget, first: LoadableStatement | undefined): SourceStatement {
  return { sql: markStatementSql(restoreId, first?.statement.number ?? 0) };
}

/**
 * Runs statements between the one that checks the position and the one that moves it. Errors: `try-overtaken` if
 * the target is not at the turn's start; the source's own.
 */
export async function runTurn(
  target: LoadTarget,
  turn: PositionedTurn,
  statements: readonly SourceStatement[],
): Promise<void> {
  const { source, usage } = target;
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
    // If the script changes or drops the position, its statement fails as a late turn does.
    if (!isElsewhere(cause) || (await isAt(target, turn.from))) throw cause;
    throw overtaken(cause);
  }
}

/** Returns the error of an attempt that another one has overtaken. */
export function overtaken(cause: unknown): ExportError {
  return new ExportError("try-overtaken", "another attempt loads the same statements", { cause });
}

/** True if a target is still at a position, so that no other attempt has moved it. Errors: the source's own. */
export async function isAt(
  { source, restoreId }: Pick<LoadTarget, "source" | "restoreId">,
  position: StoredPosition,
): Promise<boolean> {
  try {
    const { pass, textBytes, moves, move, running } = await readPosition(source, restoreId);
    const isSame = pass === position.pass && textBytes === position.textBytes;
    return isSame && moves === position.moves && move === position.move && running === 0;
  } catch (error) {
    if (error instanceof ExportError && error.code === "restore-interrupted") return false;
    throw error;
  }
}

/** Returns the error of the statement at which a turn stopped, in a database that does not roll back. */
async function findFailed(
  target: LoadTarget,
  runs: readonly Run[],
  cause: ExportError,
): Promise<ExportError> {
  const { running } = await readPosition(target.source, target.restoreId);
  const stopped = runs.find(({ statements: [first] }) => first?.statement.number === running);
  const [first, ...others] = stopped?.statements ?? [];
  // The turn did not start.
  if (first === undefined) return cause;
  if (others.length === 0) return failed(first.statement, { table: first.table, cause });
  return (await findFailedRow(target, [first, ...others])) ?? failed(first.statement, { cause });
}

/**
 * Runs statements one by one after they failed together and changed nothing. Returns the error of the one that
 * fails; undefined if none does.
 */
async function findFailedRow(
  target: LoadTarget,
  statements: readonly LoadableStatement[],
): Promise<ExportError | undefined> {
  for (const each of statements) {
    const [alone] = joinRows([each]);
    try {
      await target.source.transaction([markSql(target, each), ...(alone?.run ?? [])]);
    } catch (cause) {
      if (!(cause instanceof ExportError)) throw cause;
      return failed(each.statement, { table: each.table, cause });
    }
  }
  return undefined;
}
