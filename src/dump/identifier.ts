/** `name` as an SQL identifier, exact for every name SQLite can hold. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `text` as an SQL string literal. Throws nothing, but a NUL would end the literal: see `literal.ts`. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
