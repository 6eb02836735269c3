import { type ScriptStatement, StatementSplitter } from "../sqlite/statement-splitter.ts";
import { type ByteToken, TokenReader } from "../sqlite/token-reader.ts";
import type { StatementClass } from "./classify-statement.ts";
import { findRowTraits } from "./row-traits.ts";

/**
 * True if a script's last statement, which lacks its semicolon, must be whole. The rest of a statement that was cut
 * off may read as another statement, so anything uncertain returns false.
 */
export function isCertainlyWhole(
  { bytes, start }: ScriptStatement,
  found: StatementClass,
): boolean {
  const text = bytes.subarray(start);
  if (!closesEverything(text)) return false;
  const tokens = new TokenReader(text);
  let depth = 0;
  let last: ByteToken | undefined;
  let beforeLast: ByteToken | undefined;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) depth += 1;
    if (tokens.is(token, ")")) depth -= 1;
    [beforeLast, last] = [last, token];
  }
  if (depth !== 0) return false;
  const endsInList = tokens.is(last, ")");
  const lastWord = tokens.word(last);
  switch (found.kind) {
    case "commit":
      return /^(?:COMMIT|END|TRANSACTION)$/.test(lastWord);
    case "insert":
      return found.hasValues && endsInList && !findRowTraits(text, found.rowsAt, new Set()).hasTail;
    case "create-table":
      return endsInList || lastWord === "STRICT" || lastWord === "ROWID";
    case "create-index":
      return endsInList;
    case "create-trigger":
      return lastWord === "END" && tokens.is(beforeLast, ";");
    default:
      return false;
  }
}

/** True if no string, name, comment or trigger body is open at the end. */
function closesEverything(text: Uint8Array): boolean {
  const splitter = new StatementSplitter();
  return [...splitter.push(Buffer.concat([text, Buffer.from("\n;")]))].length === 1;
}
