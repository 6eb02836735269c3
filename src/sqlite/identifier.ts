import { lowerAscii } from "../lib/ascii-case.ts";

/** `name` as an SQL identifier, exact for every name SQLite can hold. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `name` (in lower case), lengthened until it occurs nowhere in `text`, in either case. */
export function findUnusedName(name: string, text: string): string {
  const used = lowerAscii(text);
  let unused = name;
  while (used.includes(unused)) unused += "_";
  return unused;
}

/** `text` as an SQL string literal. Throws nothing, but a NUL would end the literal: see `literal.ts`. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
