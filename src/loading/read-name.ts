import type { ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/** Where a table's name stands in a statement, its schema's name and dot included. */
export interface NamePlace {
  start: number;
  end: number;
}

/** Reads `name` or `schema.name`, of which `first` is the first token, and the token after it. */
export function readName(
  tokens: TokenReader,
  first: ByteToken | undefined,
): { name: string; place: NamePlace; next: ByteToken | undefined } {
  const place = { start: first?.start ?? 0, end: first?.end ?? 0 };
  const next = tokens.next();
  if (!tokens.is(next, ".")) return { name: tokens.name(first), place, next };
  const last = tokens.next();
  return {
    name: tokens.name(last),
    place: { ...place, end: last?.end ?? place.end },
    next: tokens.next(),
  };
}

/** Reads the token after `IF EXISTS` or `IF NOT EXISTS`, or the next one if there is no such condition. */
export function readConditional(tokens: TokenReader): {
  token: ByteToken | undefined;
  isConditional: boolean;
} {
  let token = tokens.next();
  if (tokens.word(token) !== "IF") return { token, isConditional: false };
  do token = tokens.next();
  while (token !== undefined && tokens.word(token) !== "EXISTS");
  return { token: tokens.next(), isConditional: true };
}

/**
 * Reads a list of names in parentheses, of which `open` is the first token, to its end. Returns the first name of
 * each element, in the case in which it is written.
 */
export function readList(tokens: TokenReader, open: ByteToken | undefined): string[] {
  if (!tokens.is(open, "(")) return [];
  const names: string[] = [];
  let depth = 1;
  let isFirst = true;
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (tokens.is(token, "(")) depth += 1;
    else if (tokens.is(token, ")")) depth -= 1;
    if (depth === 0) break;
    if (isFirst) names.push(tokens.name(token));
    isFirst = depth === 1 && tokens.is(token, ",");
  }
  return names;
}
