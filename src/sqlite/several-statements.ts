import { encodeUtf8 } from "../lib/bytes.ts";
import { StatementSplitter } from "./statement-splitter.ts";

/** True if SQL text contains more than one statement. */
export function hasSeveralStatements(sql: string): boolean {
  const splitter = new StatementSplitter();
  for (const { number } of splitter.push(encodeUtf8(sql))) if (number > 1) return true;
  const last = splitter.finish();
  return last !== undefined && last.number > 1 && last.start < last.bytes.length;
}
