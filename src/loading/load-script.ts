import { ExportError } from "../api/errors.ts";
import { MIB } from "../api/limits.ts";
import type { LoadPlan, LoadPosition, ScriptPlace } from "../rpc/load-plan.ts";
import { quoteIdentifier, quoteText } from "../sqlite/identifier.ts";
import { type ScriptStatement, StatementSplitter } from "../sqlite/statement-splitter.ts";
import { describeStatement, placeAfter } from "./describe-statement.ts";
import { UnloadableStatement } from "./long-statement.ts";
import { moveRows } from "./move-rows.ts";
import { readPosition, RESTORE_TABLE, rollsBack, type StoredPosition } from "./position.ts";
import { StatementRewriter } from "./rewrite-statement.ts";
import {
  failed,
  type LoadableStatement,
  type LoadTarget,
  runStatements,
  runTurn,
  type TurnUsage,
} from "./run-turn.ts";

/** SQL text that one turn loads. */
const TURN_BYTES = MIB;

/** Statements that one turn runs: many small ones take as long as few large ones. */
const TURN_STATEMENTS_MAX = 2_000;

/** A script to load. */
export interface LoadInput {
  target: Omit<LoadTarget, "rollsBack">;
  plan: LoadPlan;
  /** The end of the script. */
  end: ScriptPlace;
  /** Reads the script's text from a place on. */
  read: (from: ScriptPlace) => AsyncIterable<Uint8Array>;
  /** Text after which this call ends, in bytes. */
  textBytesMax: number;
  beat: () => Promise<void>;
}

/** How far a call has come, and what it has cost. */
export interface Loaded extends TurnUsage {
  position: StoredPosition;
  isDone: boolean;
}

/** The pass of a script that is loaded whole. */
const DONE = 3;

/**
 * Loads a script from where its target stands, until all of it is loaded or `textBytesMax` is reached. The target
 * keeps the position in the same transactions as the rows, so each statement is loaded exactly once, however
 * often a call is cut off, repeated, or runs beside another.
 *
 * Errors: `statement-failed`, which names the statement; `try-overtaken` if another call loads at the same time;
 * `restore-interrupted` if the position is gone; `script-changed`; the source's own.
 */
export async function loadScript(input: LoadInput): Promise<Loaded> {
  const { plan } = input;
  const { source, restoreId } = input.target;
  const usage: TurnUsage = { rowsRead: 0, rowsWritten: 0 };
  let position = await readPosition(source, restoreId);
  if (position.running !== 0) throw stoppedAt(position);
  const target: LoadTarget = { ...input.target, rollsBack: await rollsBack(source, restoreId) };
  const startedAt = position.textBytes;
  const isOver = (): boolean => position.textBytes - startedAt >= input.textBytesMax;
  const rewriter = new StatementRewriter(plan);
  while (position.pass < DONE && !isOver()) {
    const move = plan.moves[position.moves];
    if (position.pass === 1 && move !== undefined && position.statements >= move.after) {
      position = await moveRows(target, move, position, usage);
    } else if (position.statements >= input.end.statements) {
      position = await endPass(target, plan, position, usage);
    } else {
      const until =
        position.pass === 1 ? (move?.after ?? input.end.statements) : input.end.statements;
      position = await loadUntil({
        input,
        target,
        rewriter,
        usage,
        position,
        until,
        isOver: (bytes) => bytes - startedAt >= input.textBytesMax,
      });
    }
    await input.beat();
  }
  return {
    position: await readPosition(source, restoreId),
    isDone: position.pass === DONE,
    ...usage,
  };
}

interface Stretch {
  input: LoadInput;
  target: LoadTarget;
  rewriter: StatementRewriter;
  usage: TurnUsage;
  position: StoredPosition;
  /** The number of the last statement. */
  until: number;
  isOver: (textBytes: number) => boolean;
}

/** Loads statements up to number `until`, or until the call is over. */
async function loadUntil(stretch: Stretch): Promise<StoredPosition> {
  const { input, target, rewriter, usage, until } = stretch;
  let { position } = stretch;
  let group: LoadableStatement[] = [];
  let bytes = 0;
  let last: ScriptPlace = position;
  const flush = async (): Promise<void> => {
    if (last.textBytes === position.textBytes) return;
    const final = group.at(-1);
    // Statements that do nothing are passed with those that do.
    if (final !== undefined) final.after = last;
    else
      group.push({
        place: { statement: last.statements, line: last.lines, offset: 0, sql: "" },
        run: [],
        after: last,
      });
    const at = await runStatements(target, position, group, usage);
    position = { ...position, ...at };
    [group, bytes] = [[], 0];
    await input.beat();
  };
  for await (const statement of readStatements(input, position)) {
    const loadable = prepare(rewriter, statement, position.pass);
    last = loadable.after;
    if (loadable.run.length > 0) {
      group.push(loadable);
      bytes += statement.bytes.length - statement.start;
    }
    const isLast = statement.number >= until;
    if (isLast || bytes >= TURN_BYTES || group.length >= TURN_STATEMENTS_MAX) await flush();
    if (isLast || stretch.isOver(position.textBytes)) return position;
  }
  await flush();
  if (position.statements < input.end.statements) {
    throw new ExportError("script-changed", "the script ends earlier than when it was scanned");
  }
  return position;
}

async function* readStatements(
  input: LoadInput,
  from: ScriptPlace,
): AsyncGenerator<ScriptStatement, void, undefined> {
  const { statements, lines, textBytes } = from;
  const splitter = new StatementSplitter({ statements, lines, bytes: textBytes });
  for await (const chunk of input.read(from)) yield* splitter.push(chunk);
  const rest = splitter.finish();
  if (rest !== undefined) yield rest;
}

function prepare(
  rewriter: StatementRewriter,
  statement: ScriptStatement,
  pass: number,
): LoadableStatement {
  const { bytes, start, number } = statement;
  const place = describeStatement(statement);
  try {
    const { run, table } = rewriter.rewrite(bytes.subarray(start), number, pass);
    return { place, run, after: placeAfter(statement), ...(table !== undefined && { table }) };
  } catch (cause) {
    if (cause instanceof UnloadableStatement) throw failed({ place }, cause);
    throw cause;
  }
}

/** Builds what the script's own statements do not, and begins the next pass. */
async function endPass(
  target: LoadTarget,
  plan: LoadPlan,
  position: StoredPosition,
  usage: TurnUsage,
): Promise<StoredPosition> {
  const isFirst = position.pass === 1;
  const next =
    isFirst && plan.triggers !== null
      ? { ...position, ...plan.triggers.from, pass: 2 }
      : { ...position, pass: DONE };
  const rebuilt = isFirst ? plan.virtualTables.filter(({ columns }) => columns === null) : [];
  const turn = {
    restoreId: target.restoreId,
    from: position,
    to: next,
    countsRows: false,
    markers: 0,
  };
  const statements = rebuilt.map(({ name }) => {
    const table = quoteIdentifier(name);
    return { sql: `INSERT INTO ${table}(${table}) VALUES('rebuild')` };
  });
  await runTurn(target.source, turn, statements, usage);
  return next;
}

function stoppedAt({ running }: LoadPosition & { running: number }): ExportError {
  return new ExportError(
    "statement-failed",
    `statement ${running} failed in an earlier attempt, and the database does not undo what came before it`,
    { details: { statement: running } },
  );
}

/** Removes what a restore keeps in its target beside the script's own objects. Repeating it does nothing. */
export function dropRestoreTablesSql(restoreId: string): string[] {
  return [
    `DELETE FROM ${RESTORE_TABLE} WHERE id = ${quoteText(restoreId)}`,
    `DROP TABLE ${RESTORE_TABLE}`,
  ];
}
