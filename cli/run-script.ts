import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";

import { splitScript } from "../src/sqlite/statement-splitter.ts";
import { describePlace } from "./statement-place.ts";

const TURN_BYTES = 1024 * 1024;

/**
 * Runs an SQL script statement by statement. `onStatement` receives each one before it runs. Throws
 * an error that names the statement's position if SQLite refuses it, the signal's reason if that is
 * aborted, and the errors of `chunks` unchanged.
 */
export async function runScript(
  db: DatabaseSync,
  chunks: AsyncIterable<Uint8Array>,
  { onStatement, signal }: { onStatement: (sql: string) => void; signal: AbortSignal },
): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let sinceTurn = 0;
  for await (const statement of splitScript(chunks)) {
    signal.throwIfAborted();
    try {
      const sql = decoder.decode(statement.bytes);
      onStatement(sql);
      db.exec(sql);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${describePlace(statement)}: ${message}`, { cause: error });
    }
    sinceTurn += statement.bytes.length;
    if (sinceTurn < TURN_BYTES) continue;
    // Gives Ctrl-C and the progress bar a turn: SQLite blocks the thread.
    await nextTurn();
    sinceTurn = 0;
  }
}
