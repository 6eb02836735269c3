import { ExportError } from "../src/api/errors.ts";
import { lowerAscii } from "../src/lib/ascii-case.ts";
import {
  classifyStatement,
  type InsertRows,
  type StatementClass,
} from "../src/loading/classify-statement.ts";
import { planLoad } from "../src/loading/plan-load.ts";
import { scanScript } from "../src/loading/scan-script.ts";
import type { LoadPlan } from "../src/rpc/load-plan.ts";
import type { ScriptStatement } from "../src/sqlite/statement-splitter.ts";
import { TokenReader } from "../src/sqlite/token-reader.ts";
import { CliError } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { formatBytes, formatNumberOf, oneLine } from "./format.ts";
import { readScriptFile, toScriptError } from "./read-script-file.ts";
import { readStatements } from "./read-statements.ts";
import type { ScriptInput } from "./script-input.ts";
import { describePlace } from "./statement-place.ts";
import type { Terminal } from "./terminal.ts";

/** A script may contain the same fault in every line. */
const PROBLEMS_MAX = 20;

/** Kinds of statements that a restore does not run. */
const SKIPPED: ReadonlySet<StatementClass["kind"]> = new Set([
  "skip",
  "begin",
  "commit",
  "foreign-keys",
]);

/** What a restore of a script would do. */
export interface DryRun {
  file: string;
  compression: string;
  bytes: number;
  textBytes: number;
  /** Counts by kind, such as `CREATE TABLE`. */
  statements: Record<string, number>;
  /** How many of those a restore does not run. */
  skipped: Record<string, number>;
  /** Null for a table that a query fills: only running the script counts its rows. */
  tables: { name: string; rows: number | null }[];
  /** Null if the rows of a table are unknown. */
  rows: number | null;
  /** How many rows wait in a staging table until the rows that they refer to exist. */
  stagedRows: number;
  /** Sentences, each with its place; empty if the script can be restored into an empty database. */
  problems: string[];
}

/**
 * Splits and classifies a script without sending anything, and lists what is wrong with it in `problems`. Errors:
 * those of the disk, `Interrupted`.
 */
export async function examineScript(
  script: ScriptInput,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<DryRun> {
  const { shown, compression, bytes } = script;
  const show = showBytes(terminal.startProgress("checking"), 2 * bytes);
  let read = 0;
  const onChunk = (chunk: Uint8Array) => show((read += chunk.length));
  const readText = () => readScriptFile(script, { signal, onChunk });
  const problems: string[] = [];
  let count: StatementCount;
  try {
    const plan = await planRestore(readText(), shown, problems);
    count = new StatementCount(plan);
    // If the file is damaged, `problems` says so already. Everything before the damage is counted.
    await countStatements(count, readText(), { shown, isDamaged: plan === undefined });
  } finally {
    terminal.clearProgress();
  }
  const tables = count.listTables();
  return {
    file: shown,
    compression,
    bytes,
    textBytes: count.textBytes,
    statements: count.statements,
    skipped: count.skipped,
    tables,
    rows: tables.reduce<number | null>((sum, { rows }) => addRows(sum, rows), 0),
    stagedRows: count.stagedRows,
    // The plan stops at the first refused statement; the count lists all of them.
    problems: count.problems.length > 0 && !count.isCutOff ? count.problems : problems,
  };
}

/**
 * Plans the restore into an empty database; returns undefined if that is impossible, and adds the reason to
 * `problems`.
 */
async function planRestore(
  text: AsyncIterable<Uint8Array>,
  shown: string,
  problems: string[],
): Promise<LoadPlan | undefined> {
  try {
    return planLoad(await scanScript(text), []);
  } catch (error) {
    problems.push(requireProblem(error, shown));
    return undefined;
  }
}

async function countStatements(
  count: StatementCount,
  text: AsyncIterable<Uint8Array>,
  { shown, isDamaged }: { shown: string; isDamaged: boolean },
): Promise<void> {
  try {
    for await (const statement of readStatements(count.countText(text))) count.add(statement);
  } catch (error) {
    requireProblem(error, shown);
    if (!isDamaged) throw error;
    count.isCutOff = true;
  }
}

/** Returns what is wrong with the script. Throws errors that have another cause. */
function requireProblem(error: unknown, shown: string): string {
  const known = toScriptError(error, shown);
  if (known instanceof CliError && known.cause instanceof ExportError) return known.cause.message;
  throw known;
}

class StatementCount {
  readonly statements: Record<string, number> = {};
  readonly skipped: Record<string, number> = {};
  readonly problems: string[] = [];
  readonly #plan: LoadPlan | undefined;
  readonly #tables = new Map<string, { name: string; rows: number | null }>();
  #problems = 0;
  textBytes = 0;
  stagedRows = 0;
  /** True if the file is damaged, so only a part of it is counted. */
  isCutOff = false;

  constructor(plan: LoadPlan | undefined) {
    this.#plan = plan;
  }

  /** Passes a script's text on, and counts its bytes. */
  async *countText(text: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of text) {
      this.textBytes += chunk.length;
      yield chunk;
    }
  }

  add(statement: ScriptStatement): void {
    const { bytes, start, number } = statement;
    const text = bytes.subarray(start);
    const what = nameStatement(text);
    const found = classifyStatement(text);
    increase(this.statements, what);
    if (SKIPPED.has(found.kind)) increase(this.skipped, what);
    if (found.kind === "refuse") this.#refuse(statement, found.reason);
    if (found.kind === "create-table") this.#table(found.name);
    if (found.kind === "insert") {
      const rows = countRows(text, found);
      const table = this.#table(found.table);
      table.rows = addRows(table.rows, rows);
      if (this.#isStaged(found.table, number)) this.stagedRows += rows ?? 0;
    }
  }

  listTables(): { name: string; rows: number | null }[] {
    return [...this.#tables.values()];
  }

  #isStaged(table: string, number: number): boolean {
    const lower = lowerAscii(table);
    return (this.#plan?.moves ?? []).some(
      ({ from, after, tables }) =>
        from <= number && number <= after && tables.some(({ name }) => name === lower),
    );
  }

  #table(name: string): { name: string; rows: number | null } {
    const lower = lowerAscii(name);
    const known = this.#tables.get(lower) ?? { name, rows: 0 };
    this.#tables.set(lower, known);
    return known;
  }

  #refuse(statement: ScriptStatement, reason: string): void {
    this.#problems += 1;
    if (this.#problems < PROBLEMS_MAX) this.problems.push(`${describePlace(statement)}: ${reason}`);
    if (this.#problems === PROBLEMS_MAX) this.problems.push("… and more of the same kind");
  }
}

function increase(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/**
 * Returns the first word in upper case, and for CREATE and DROP also the kind of object; `(none)` if the statement
 * does not start with a word.
 */
function nameStatement(text: Uint8Array): string {
  const tokens = new TokenReader(text);
  const first = tokens.word(tokens.next());
  if (!/^[A-Z]+$/.test(first)) return "(none)";
  if (first !== "CREATE" && first !== "DROP") return first;
  let word = tokens.word(tokens.next());
  while (["UNIQUE", "TEMP", "TEMPORARY", "VIRTUAL"].includes(word))
    word = tokens.word(tokens.next());
  return `${first} ${word}`;
}

/** Adds counts of rows; null is an unknown count. */
function addRows(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** Counts the rows after VALUES: the outermost parentheses. Returns null for a query. */
function countRows(text: Uint8Array, { rowsAt, hasValues }: InsertRows): number | null {
  const tokens = new TokenReader(text, rowsAt);
  if (!hasValues) return tokens.word(tokens.next()) === "DEFAULT" ? 1 : null;
  let depth = 0;
  let rows = 0;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) {
      if (depth === 0) rows += 1;
      depth += 1;
    } else if (tokens.is(token, ")")) {
      depth -= 1;
    } else if (depth === 0 && ["ON", "RETURNING"].includes(tokens.word(token))) {
      break;
    }
  }
  return rows;
}

/** Prints a dry run for people. */
export function printDryRun(found: DryRun, terminal: Terminal): void {
  const { file, bytes, textBytes, compression, statements, skipped, tables, rows } = found;
  const packed = compression === "none" ? "" : `, ${formatBytes(bytes)} as ${compression}`;
  const kinds = Object.entries(statements).sort(([, a], [, b]) => b - a);
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  terminal.print(
    `${file}: ${formatBytes(textBytes)} of SQL text${packed}, ${formatNumberOf(total, "statement")}, ${formatNumberOf(tables.length, "table")}, ${rows === null ? "an unknown number of rows" : formatNumberOf(rows, "row")}`,
  );
  if (kinds.length > 0) {
    terminal.printTable(
      ["STATEMENT", "COUNT", "SKIPPED"],
      kinds.map(([kind, count]) => [kind, String(count), String(skipped[kind] ?? "")]),
    );
  }
  if (tables.length > 0) {
    terminal.printTable(
      ["TABLE", "ROWS"],
      tables.map(({ name, rows: count }) => [oneLine(name), count === null ? "?" : String(count)]),
    );
  }
  if (found.stagedRows > 0) {
    const verb = found.stagedRows === 1 ? "waits" : "wait";
    terminal.print(
      `${formatNumberOf(found.stagedRows, "row")} ${verb} in a staging table until the rows that they refer to exist`,
    );
  }
  for (const problem of found.problems) terminal.print(`problem: ${problem}`);
  if (found.problems.length === 0) {
    terminal.print("nothing was sent; the script can be restored");
  }
}
