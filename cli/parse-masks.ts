import { usageError } from "./cli-error.ts";

const SYNTAX = "TABLE.COLUMN=null, =length, =template:TEXT, =value:TEXT or =number:NUMBER";

/** A table and a column without further dots, and how its values are replaced. */
const MASK = /^([^.=]+)\.([^.=]+)=(?:(null|length)|(template|value|number):([^]*))$/;

/**
 * Returns the field `mask` of a request from the values of `--mask`: `users.email=length`, or an object in JSON, which
 * can name any table. The Worker checks everything else. Throws a usage error for another syntax, and for two masks of
 * one column.
 */
export function parseMasks(texts: readonly string[]): object {
  const tables = new Map<string, Map<string, unknown>>();
  for (const text of texts) {
    for (const [table, column, mask] of parseMask(text)) {
      const columns = tables.get(table) ?? new Map<string, unknown>();
      if (columns.has(column)) throw usageError(`--mask names ${table}.${column} twice`);
      tables.set(table, columns.set(column, mask));
    }
  }
  // Every name becomes a property, even __proto__, so that the Worker can refuse it.
  return Object.fromEntries(
    [...tables].map(([table, columns]) => [table, Object.fromEntries(columns)]),
  );
}

function parseMask(text: string): [string, string, unknown][] {
  if (text.trimStart().startsWith("{")) return parseJsonMasks(text);
  const [, table, column, word, kind = "", value = ""] = MASK.exec(text) ?? [];
  if (table === undefined || column === undefined) {
    throw usageError(
      `--mask ${JSON.stringify(text)} is not a mask`,
      `Write ${SYNTAX}; for names with a dot, write the JSON of the field mask.`,
    );
  }
  if (word !== undefined) return [[table, column, word]];
  if (kind !== "number") return [[table, column, { [kind]: value }]];
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) {
    throw usageError(`--mask ${table}.${column}: ${JSON.stringify(value)} is not a number`);
  }
  return [[table, column, { value: number }]];
}

function parseJsonMasks(text: string): [string, string, unknown][] {
  try {
    const tables = JSON.parse(text) as Record<string, Record<string, unknown>>;
    return Object.entries(tables).flatMap(([table, columns]) =>
      Object.entries(columns).map(([column, mask]): [string, string, unknown] => [
        table,
        column,
        mask,
      ]),
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(`--mask is not JSON: ${message}`);
  }
}

/** Returns, for instance, "users.email (template)" for each masked column, joined by commas. */
export function describeMasked(
  masked: readonly { table: string; column: string; kind: string }[],
): string {
  return masked.map(({ table, column, kind }) => `${table}.${column} (${kind})`).join(", ");
}
