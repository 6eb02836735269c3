import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";

import type { ScriptStatement } from "../src/sqlite/statement-splitter.ts";
import { describePlace } from "./statement-place.ts";

const TURN_BYTES = 1024 * 1024;

/**
 * Runs an SQL script's statements one by one. `onStatement` receives each statement before it runs, and returns
 * false to skip it. Returns the number of statements. If SQLite refuses a statement, throws an error that names its
 * place. Also throws the signal's reason after an abort, and the errors of `statements` unchanged.
 */
export async function runScript(
  db: DatabaseSync,
  statements: AsyncIterable<ScriptStatement>,
  { onStatement, signal }: { onStatement: (sql: string) => boolean; signal: AbortSignal },
): Promise<number> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let sinceTurn = 0;
  let count = 0;
  for await (const statement of statements) {
    signal.throwIfAborted();
    try {
      const sql = decoder.decode(statement.bytes);
      if (onStatement(sql)) db.exec(sql);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${describePlace(statement)}: ${message}`, { cause: error });
    }
    count = statement.number;
    sinceTurn += statement.bytes.length;
    if (sinceTurn < TURN_BYTES) continue;
    // Gives Ctrl-C and the progress bar a turn, because SQLite blocks the thread.
    await nextTurn();
    sinceTurn = 0;
  }
  return count;
}
