import { type ScriptStatement, StatementSplitter } from "../src/sqlite/statement-splitter.ts";

/** Splits any tool's script. Its last statement may lack the semicolon or be cut off, which SQLite then reports. */
export async function* readStatements(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ScriptStatement> {
  const splitter = new StatementSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  const rest = splitter.finish();
  if (rest !== undefined && rest.start < rest.bytes.length) yield rest;
}
