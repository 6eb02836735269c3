import { lowerAscii } from "../lib/ascii-case.ts";

/** Returns `name` as an SQL identifier, exact for every name that SQLite can hold. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Returns `name` (in lower case), lengthened until it does not occur in `text` in any case. */
export function findUnusedName(name: string, text: string): string {
  const used = lowerAscii(text);
  let unused = name;
  while (used.includes(unused)) unused += "_";
  return unused;
}

/**
 * Returns `text` as an SQL string literal. It does not throw, but a NUL would end the literal: see
 * `literal.ts`.
 */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
