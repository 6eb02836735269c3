import { ExportError } from "../api/errors.ts";
import type { SourceStatement } from "../databases/source.ts";
import type { RowMove } from "../rpc/load-plan.ts";
import { RESTORE_MARK } from "../sqlite/own-objects.ts";
import type { RowKey } from "../sqlite/row-key.ts";
import type { StoredPosition } from "./position.ts";
import { findLateColumns, setLateColumnsSql } from "./late-columns.ts";
import { isAt, type LoadTarget, overtaken, runTurn } from "./run-turn.ts";
import {
  countStaged,
  describeStage,
  EVERY_ROW,
  findSliceEnd,
  listMovedKeys,
  type MovedKey,
  moveSliceSql,
  skipOrphansSql,
  type StagedRows,
} from "./staged-rows.ts";

/** How many rows one turn moves. */
export const SLICE_ROWS = 10_000;

/**
 * A group of tables that refer to themselves or to one another moves in one turn if it has fewer rows than this share
 * of a slice.
 */
const TOGETHER_DIVISOR = 20;

/** Each pass over a group moves at least one row. */
const PASSES_MAX = 50;

/** A key whose text is longer is not stored, because the statement that stores it has a limit. */
const PROGRESS_LENGTH_MAX = 50_000;

/** How far a move has got. It is stored as JSON with the position. */
interface Progress {
  /** Even ones are ascending, odd ones descending. */
  pass: number;
  /** The index of the move's next table. */
  at: number;
  /** The last key of the previous slice; null at the beginning of the table. */
  after: RowKey;
  /** How many rows were left before this pass. */
  left: number | null;
  /** How many passes in a row moved no row. */
  idle: number;
}

const START: Progress = { pass: 0, at: 0, after: null, left: null, idle: 0 };

interface Move {
  target: LoadTarget;
  from: StoredPosition;
  staged: StagedRows[];
  isCyclic: boolean;
  sliceRows: number;
}

/**
 * Runs one turn of a move. It moves staged rows into their tables, or ends the move and drops its staging tables.
 * Returns the new position. Rows move in slices by their key. If tables refer to themselves or to one another, each
 * pass moves the rows whose parents exist. Passes alternate between ascending and descending order. Only cycles
 * remain, and they move in one turn. Errors: `statement-failed` if a row is refused, with the tables and the
 * database's message; those of `runTurn`.
 */
export async function moveRows(target: LoadTarget, next: NextMove): Promise<StoredPosition> {
  try {
    return await moveNext(target, next);
  } catch (cause) {
    const isRefused = cause instanceof ExportError && cause.code === "source-query-failed";
    // What is read between turns is gone if another attempt has ended the move.
    if (!isRefused || (await isAt(target, next.from))) throw cause;
    throw overtaken(cause);
  }
}

interface NextMove {
  move: RowMove;
  from: StoredPosition;
  sliceRows: number;
}

async function moveNext(
  target: LoadTarget,
  { move, from, sliceRows }: NextMove,
): Promise<StoredPosition> {
  const staged: StagedRows[] = [];
  for (const table of move.tables) {
    const rows = await describeStage(target.source, table);
    if (rows !== null) staged.push(rows);
  }
  const moving: Move = { target, from, staged, isCyclic: move.isCyclic, sliceRows };
  let progress = from.move === null ? START : (JSON.parse(from.move) as Progress);
  if (move.isCyclic && from.move === null) {
    const left = await countStaged(target.source, staged);
    if (left <= sliceRows / TOGETHER_DIVISOR) return moveRest(moving);
    progress = { ...START, left };
  }
  for (;;) {
    const moved = await movePart(moving, progress);
    if (moved !== null) return moved;
    if (!move.isCyclic) return endMove(moving, []);
    const left = await countStaged(target.source, staged);
    if (left === 0) return endMove(moving, []);
    const idle = left === progress.left ? progress.idle + 1 : 0;
    if (idle > 1 || progress.pass >= PASSES_MAX) return moveRest(moving);
    progress = { pass: progress.pass + 1, at: 0, after: null, left, idle };
  }
}

/** Moves the next slice of a pass; returns null if the pass has none left. */
async function movePart(move: Move, progress: Progress): Promise<StoredPosition | null> {
  const { target, from, staged, isCyclic, sliceRows } = move;
  const isDescending = progress.pass % 2 === 1;
  let { at, after } = progress;
  for (; at < staged.length; at += 1, after = null) {
    const rows = staged[at] as StagedRows;
    const hasKey = rows.key.length > 0;
    // Without a key, rows that have already moved cannot be recognized.
    if (!hasKey && isCyclic) continue;
    const end = hasKey
      ? await findSliceEnd(target.source, rows, { after, isDescending }, sliceRows)
      : null;
    if (hasKey && end === null) continue;
    let next: Progress = { ...progress, at, after: end };
    const isWhole = end === null || JSON.stringify(next).length > PROGRESS_LENGTH_MAX;
    if (isWhole) next = { ...progress, at: at + 1, after: null };
    const slice = { after, to: isWhole ? null : end, isDescending };
    const insert = moveSliceSql(rows, slice, { isPartlyMoved: isCyclic });
    const keys = isCyclic ? await listMovedKeys(target.source, rows, staged) : [];
    const to = { ...from, move: JSON.stringify(next) };
    await runMove(move, to, keys.length === 0 ? [insert] : guard(rows, keys, insert));
    return to;
  }
  return null;
}

/** Runs a statement while a trigger skips every row whose parent is missing. */
function guard(
  rows: StagedRows,
  keys: readonly MovedKey[],
  insert: SourceStatement,
): SourceStatement[] {
  const { name, sql } = skipOrphansSql(rows, keys);
  return [{ sql }, insert, { sql: `DROP TRIGGER ${name}` }];
}

/** Moves the rows that wait for one another, and ends the move. */
async function moveRest(move: Move): Promise<StoredPosition> {
  const { staged, target } = move;
  const keys: MovedKey[] = [];
  for (const rows of staged) keys.push(...(await listMovedKeys(target.source, rows, staged)));
  const late = await findLateColumns(target.source, staged, keys);
  if (late !== undefined) {
    const inserts = staged.map((rows) => moveAll(rows, late.get(rows)));
    return endMove(move, [...inserts, ...setLateColumnsSql(late)]);
  }
  const create: SourceStatement[] = [];
  const drop: SourceStatement[] = [];
  for (const { child, columns } of keys) {
    // For each new row, SQLite searches the rows that wait for it.
    const name = `${child.stageName}_key_${create.length + 1}`;
    const list = columns.map(({ from }) => from).join(", ");
    create.push({ sql: `CREATE INDEX ${name} ON ${child.table}(${list} ${RESTORE_MARK})` });
    drop.push({ sql: `DROP INDEX ${name}` });
  }
  return endMove(move, [...create, ...staged.map((rows) => moveAll(rows)), ...drop]);
}

function moveAll(rows: StagedRows, late: readonly string[] = []): SourceStatement {
  return moveSliceSql(rows, EVERY_ROW, { isPartlyMoved: true, late });
}

/** Runs the move's last statements, any of which may satisfy their foreign keys, and drops the staging tables. */
async function endMove(
  move: Move,
  statements: readonly SourceStatement[],
): Promise<StoredPosition> {
  const { from, staged } = move;
  const to = { ...from, moves: from.moves + 1, move: null };
  const defer = statements.length === 0 ? [] : [{ sql: "PRAGMA defer_foreign_keys=ON" }];
  const drops = staged.map(({ stageName }) => ({ sql: `DROP TABLE ${stageName}` }));
  await runMove(move, to, [...defer, ...statements, ...drops]);
  return to;
}

async function runMove(
  { target, from, staged }: Move,
  to: StoredPosition,
  statements: readonly SourceStatement[],
): Promise<void> {
  const { restoreId } = target;
  const turn = { restoreId, from, to };
  try {
    await runTurn(target, turn, statements);
  } catch (cause) {
    if (!(cause instanceof ExportError) || cause.code !== "source-query-failed") throw cause;
    const table = staged.map(({ name }) => JSON.stringify(name)).join(", ");
    const [statement, line, reason] = [from.statements, from.lines + 1, cause.message];
    throw new ExportError(
      "statement-failed",
      `the rows of ${table}, loaded up to statement ${statement}, line ${line}, are refused: ${reason}`,
      { cause, details: { statement, line, table, reason } },
    );
  }
}
