import type { ByteToken, TokenReader } from "../sqlite/token-reader.ts";

/** The position of a table's name in a statement. It includes the schema's name and the dot. */
export interface NamePlace {
  start: number;
  end: number;
}

/** Reads `name` or `schema.name`, starting with the token `first`, and then one more token. */
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

/** Reads the token after `IF EXISTS` or `IF NOT EXISTS`, or the next token if there is no such condition. */
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
 * Reads a list of names in parentheses, from its opening token `open` to its end. Returns the first name of each
 * element, with its case unchanged.
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
