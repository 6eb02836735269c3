import { encodeUtf8, viewOf } from "../../src/lib/bytes.ts";
import { type ScriptStatement, StatementSplitter } from "../../src/sqlite/statement-splitter.ts";

/**
 * The statements of a script, each without the semicolon that ends it. The last one may lack its
 * semicolon; white space and comments after it are left out.
 */
export function splitStatements(script: string): string[] {
  const splitter = new StatementSplitter();
  const statements: ScriptStatement[] = [...splitter.push(encodeUtf8(script))];
  const last = splitter.finish();
  if (last !== undefined && last.start < last.bytes.length) statements.push(last);
  return statements.map(({ bytes, isEnded }) =>
    viewOf(bytes).toString("utf8", 0, isEnded ? bytes.length - 1 : bytes.length),
  );
}
