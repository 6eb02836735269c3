import type { SourceStatement } from "../databases/source.ts";
import { ExportError } from "../api/errors.ts";
import { MIB } from "../api/limits.ts";
import type { LoadPlan, ScriptPlace, WrittenVirtualTable } from "../rpc/load-plan.ts";
import { quoteIdentifier } from "../sqlite/identifier.ts";
import { type ScriptStatement, textOf } from "../sqlite/script-statement.ts";
import { StatementSplitter } from "../sqlite/statement-splitter.ts";
import { classifyStatement } from "./classify-statement.ts";
import { failed } from "./describe-statement.ts";
import { UnloadableStatement } from "./long-statement.ts";
import { moveRows, SLICE_ROWS } from "./move-rows.ts";
import { readPosition, rollsBack, type StoredPosition } from "./position.ts";
import { StatementRewriter } from "./rewrite-statement.ts";
import { type LoadableStatement, type LoadTarget, runStatements, runTurn } from "./run-turn.ts";
import { readScriptText } from "./script-text.ts";

/** How many bytes of SQL text one turn loads. */
const TURN_BYTES = MIB;

/** How many statements one turn loads, since each needs memory in addition to its text. */
const TURN_STATEMENTS_MAX = 5_000;

/** A script to load. */
export interface LoadInput {
  target: Pick<LoadTarget, "source" | "restoreId">;
  plan: LoadPlan;
  /** The number after the script's last statement. */
  end: ScriptPlace;
  /** Reads the script's text, starting at a byte offset. */
  read: (from: ScriptPlace) => AsyncIterable<Uint8Array>;
  /** How many bytes of text this call loads at most. */
  textBytesMax: number;
  beat: () => Promise<void>;
  /** How many staged rows one turn moves; default: `SLICE_ROWS`. */
  sliceRows?: number;
}

/** How far a call got, and what it cost. */
export interface Loaded {
  position: StoredPosition;
  isDone: boolean;
  rowsRead: number;
  rowsWritten: number;
}

/** The pass of a script that has been loaded completely. */
const DONE = 3;

/**
 * Loads a script, starting at the target's position, until all of it is loaded or `textBytesMax` is reached. The
 * target stores the position in the same transactions as the rows. Each statement is therefore loaded exactly once,
 * even if a call is cut off, repeated, or runs at the same time as another. Errors: `statement-failed`, which names
 * the statement; `try-overtaken` if another call loads at the same time; `restore-interrupted` if the position is
 * gone; `script-changed`; the source's own.
 */
export async function loadScript(input: LoadInput): Promise<Loaded> {
  const { plan, end, sliceRows = SLICE_ROWS } = input;
  const { source, restoreId } = input.target;
  const usage = { rowsRead: 0, rowsWritten: 0 };
  let position = await readPosition(source, restoreId);
  if (position.running !== 0) throw await findStopped(input, position);
  const target: LoadTarget = { ...input.target, usage, rollsBack: await rollsBack(source) };
  const textBytesEnd = position.textBytes + input.textBytesMax;
  const rewriter = new StatementRewriter(plan);
  while (position.pass < DONE && position.textBytes < textBytesEnd) {
    const move = position.pass === 1 ? plan.moves[position.moves] : undefined;
    if (move !== undefined && position.statements >= move.after) {
      position = await moveRows(target, { move, from: position, sliceRows });
      await input.beat();
    } else if (position.statements >= end.statements) {
      position = await endPass(target, plan, position);
    } else {
      const until = move?.after ?? end.statements;
      position = await loadUntil({ input, target, rewriter, position, until, textBytesEnd });
    }
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
  /** The start of the stretch. */
  position: StoredPosition;
  /** The number of the last statement. */
  until: number;
  /** The stretch ends after the turn that reaches this byte. */
  textBytesEnd: number;
}

/** Loads statements up to number `until`, or until the call ends. The next group is read while a turn runs. */
async function loadUntil(stretch: Stretch): Promise<StoredPosition> {
  const { input, target } = stretch;
  let running = Promise.resolve(stretch.position);
  try {
    for await (const group of readGroups(stretch)) {
      const position = await running;
      await input.beat();
      running = runStatements(target, position, group.statements, { ...position, ...group.after });
      // It is awaited only after the next group has been read.
      running.catch(() => {});
      if (group.after.textBytes >= stretch.textBytesEnd) break;
    }
  } catch (error) {
    // No turn continues after the call has ended, and the error of an earlier statement comes first.
    await running;
    throw error;
  }
  const position = await running;
  await input.beat();
  return position;
}

/** The statements that one turn loads. */
interface Group {
  /** The ones that do something. */
  statements: LoadableStatement[];
  after: ScriptPlace;
}

async function* readGroups(stretch: Stretch): AsyncGenerator<Group, void, undefined> {
  const { input, rewriter, position, until } = stretch;
  let statements: LoadableStatement[] = [];
  let bytes = 0;
  let after: ScriptPlace = position;
  const splitter = startSplitter(position);
  for await (const some of readStatements(input, position, splitter)) {
    for (const statement of some) {
      const loadable = prepare(rewriter, statement, position.pass);
      splitter.expectRows(rewriter.insertHead);
      const isFull = bytes >= TURN_BYTES || statements.length >= TURN_STATEMENTS_MAX;
      if (isFull && loadable.isBound !== true) {
        yield { statements, after };
        [statements, bytes] = [[], 0];
      }
      after = statement.after;
      bytes += statement.bytes.length;
      if (loadable.run.length > 0 || loadable.rows !== undefined) statements.push(loadable);
      if (statement.number >= until) {
        yield { statements, after };
        return;
      }
    }
  }
  if (after.statements < until) {
    throw new ExportError("script-changed", "the script ends earlier than when it was scanned");
  }
  yield { statements, after };
}

function startSplitter({ statements, lines, textBytes }: ScriptPlace): StatementSplitter {
  return new StatementSplitter({ statements, lines, textBytes });
}

/** Yields the statements that end in each piece of the script. */
async function* readStatements(
  input: LoadInput,
  from: ScriptPlace,
  splitter: StatementSplitter,
): AsyncGenerator<Iterable<ScriptStatement>, void, undefined> {
  for await (const chunk of readScriptText(input.read(from), from.textBytes)) {
    yield splitter.push(chunk);
  }
  const rest = splitter.finish();
  if (rest !== undefined) yield [rest];
}

function prepare(
  rewriter: StatementRewriter,
  statement: ScriptStatement,
  pass: number,
): LoadableStatement & { isBound?: true } {
  try {
    return { statement, ...rewriter.rewrite(statement, pass) };
  } catch (cause) {
    if (cause instanceof UnloadableStatement) throw failed(statement, { cause });
    throw cause;
  }
}

/** Builds what the script's own statements do not build, and begins the next pass. */
async function endPass(
  target: LoadTarget,
  plan: LoadPlan,
  from: StoredPosition,
): Promise<StoredPosition> {
  const isFirst = from.pass === 1;
  const to =
    isFirst && plan.late !== null
      ? { ...from, ...plan.late.from, pass: 2 }
      : { ...from, pass: DONE };
  const turn = { restoreId: target.restoreId, from, to };
  const statements = isFirst ? plan.virtualTables.flatMap(buildIndex) : [];
  try {
    await runTurn(target, turn, statements);
  } catch (cause) {
    if (!(cause instanceof ExportError) || cause.code !== "source-query-failed") throw cause;
    const table = plan.virtualTables.map(({ name }) => JSON.stringify(name)).join(", ");
    throw new ExportError(
      "statement-failed",
      `the virtual table ${table} cannot be restored: its rows cannot be read from its content: ${cause.message}`,
      { cause, details: { table, reason: cause.message } },
    );
  }
  return to;
}

/** Returns the statement that fills a search index over another table's rows. */
function buildIndex({ name, columns, external }: WrittenVirtualTable): SourceStatement[] {
  if (external === null) return [];
  const { content, rowid, idsName } = external;
  const from = [rowid, ...columns].map(quoteIdentifier).join(", ");
  const into = ["rowid", ...columns].map(quoteIdentifier).join(", ");
  const indexed =
    idsName === null ? "" : ` WHERE ${quoteIdentifier(rowid)} IN (SELECT id FROM ${idsName})`;
  const sql = `INSERT INTO ${quoteIdentifier(name)}(${into}) SELECT ${from} FROM ${quoteIdentifier(content)}${indexed}`;
  return [{ sql }, ...(idsName === null ? [] : [{ sql: `DROP TABLE ${idsName}` }])];
}

/** Returns the error of a restore that an earlier attempt stopped, if that attempt's answer was lost. */
async function findStopped(input: LoadInput, position: StoredPosition): Promise<ExportError> {
  const reason =
    "this statement, or a later one that begins the same way, failed in an earlier attempt, and this database does not " +
    "undo what came before";
  for await (const some of readStatements(input, position, startSplitter(position))) {
    for (const statement of some) {
      if (statement.number !== position.running) continue;
      const found = classifyStatement(textOf(statement));
      return failed(statement, { reason, ...("table" in found && { table: found.table }) });
    }
  }
  return new ExportError("script-changed", "the script ends earlier than when it was scanned");
}
