import { asciiUpper } from "../lib/ascii-case.ts";
import { sqlTokens } from "./sql-tokens.ts";

/**
 * True if SQL text holds more than one statement. A semicolon ends a statement, except within CREATE
 * TRIGGER, where only `; END` followed by one or by the text's end does.
 */
export function hasSeveralStatements(sql: string): boolean {
  const words: string[] = [];
  let isTrigger = false;
  let hasEnded = false;
  for (const { kind, text } of sqlTokens(sql)) {
    const word = kind === "word" ? asciiUpper(text) : text;
    if (word === ";") {
      const [beforeLast, last] = words.slice(-2);
      hasEnded ||= words.length > 0 && (!isTrigger || (beforeLast === ";" && last === "END"));
      if (!isTrigger) continue;
    } else if (hasEnded) {
      return true;
    }
    words.push(word);
    isTrigger ||= word === "TRIGGER" && words.length <= 7 && isCreateHead(words.slice(0, -1));
  }
  return false;
}

/** True for `CREATE`, `CREATE TEMP` and the same after `EXPLAIN` or `EXPLAIN QUERY PLAN`. */
function isCreateHead(words: readonly string[]): boolean {
  return /^(?:EXPLAIN (?:QUERY PLAN )?)?CREATE(?: TEMP(?:ORARY)?)?$/.test(words.join(" "));
}
