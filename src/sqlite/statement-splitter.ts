/** What SQLite's `sqlite3_complete()` tells apart. */
type Token = "semi" | "space" | "other" | "explain" | "create" | "temp" | "trigger" | "end";
type State = "start" | "normal" | "explain" | "create" | "trigger" | "semi" | "end";

/**
 * The state machine of `sqlite3_complete()` (https://www.sqlite.org/c3ref/complete.html):
 * a semicolon ends a statement, except within CREATE TRIGGER, where only `; END ;` does.
 * What is not listed for a state leads to `otherwise`.
 */
const MOVES: Record<State, Partial<Record<Token, State>> & { otherwise: State }> = {
  start: {
    semi: "start",
    space: "start",
    explain: "explain",
    create: "create",
    otherwise: "normal",
  },
  normal: { semi: "start", otherwise: "normal" },
  explain: {
    semi: "start",
    space: "explain",
    other: "explain",
    create: "create",
    otherwise: "normal",
  },
  create: {
    semi: "start",
    space: "create",
    temp: "create",
    trigger: "trigger",
    otherwise: "normal",
  },
  trigger: { semi: "semi", otherwise: "trigger" },
  semi: { semi: "semi", space: "semi", end: "end", otherwise: "trigger" },
  end: { semi: "start", space: "end", otherwise: "trigger" },
};

const KEYWORDS = new Map<string, Token>([
  ["explain", "explain"],
  ["create", "create"],
  ["temp", "temp"],
  ["temporary", "temp"],
  ["trigger", "trigger"],
  ["end", "end"],
]);

const code = (char: string) => char.charCodeAt(0);
const CLOSING = new Map([
  [code("'"), code("'")],
  [code('"'), code('"')],
  [code("`"), code("`")],
  [code("["), code("]")],
]);

/**
 * Cuts SQL text that arrives in arbitrary pieces into texts of whole statements, each ending
 * with the statement that brings it to `batchBytes` (the last one may be shorter), so that a dump of
 * any size can be run with bounded memory. Throws where the text ends within a statement.
 */
export async function* statementBatches(
  chunks: AsyncIterable<Uint8Array>,
  batchBytes: number,
): AsyncGenerator<Uint8Array> {
  let pending = Buffer.alloc(0);
  let at = 0;
  let state: State = "start";
  let endOfStatement = 0;
  /** True where a batch is long enough. */
  const scan = (isLast: boolean): boolean => {
    while (at < pending.length) {
      const { token, end } = nextToken(pending, at, isLast);
      if (end === undefined) return false;
      state = MOVES[state][token] ?? MOVES[state].otherwise;
      at = end;
      if (token !== "semi" || state !== "start") continue;
      endOfStatement = end;
      if (end >= batchBytes) return true;
    }
    return false;
  };
  const take = () => {
    const batch = pending.subarray(0, endOfStatement);
    pending = pending.subarray(endOfStatement);
    at -= endOfStatement;
    endOfStatement = 0;
    return batch;
  };
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    while (scan(false)) yield take();
  }
  while (scan(true)) yield take();
  // White space and comments behind the last statement.
  if (state === "start" && at === pending.length) endOfStatement = at;
  if (endOfStatement > 0) yield take();
  if (pending.length > 0) {
    throw new Error(`the SQL text ends within a statement: ${pending.toString("utf8", 0, 200)}`);
  }
}

/** `end` is undefined where the token may go on in what has not arrived yet. */
function nextToken(
  text: Buffer,
  start: number,
  isLast: boolean,
): { token: Token; end: number | undefined } {
  const byte = text[start] ?? 0;
  const closing = CLOSING.get(byte);
  if (closing !== undefined) {
    // A doubled quote reads as two strings side by side, which ends at the same place.
    return { token: "other", end: after(text.indexOf(closing, start + 1), 1) };
  }
  if (byte === code(";")) return { token: "semi", end: start + 1 };
  if (isSpace(byte)) return { token: "space", end: start + 1 };
  if (byte === code("-") || byte === code("/")) {
    if (start + 1 === text.length && !isLast) return { token: "other", end: undefined };
    if (byte === code("-") && text[start + 1] === byte) {
      const end = after(text.indexOf("\n", start), 1) ?? (isLast ? text.length : undefined);
      return { token: "space", end };
    }
    if (byte === code("/") && text[start + 1] === code("*")) {
      return { token: "space", end: after(text.indexOf("*/", start + 2), 2) };
    }
    return { token: "other", end: start + 1 };
  }
  if (!isWord(byte)) return { token: "other", end: start + 1 };
  let end = start;
  while (end < text.length && isWord(text[end] ?? 0)) end += 1;
  if (end === text.length && !isLast) return { token: "other", end: undefined };
  // No keyword is longer than nine letters.
  const word = end - start > 9 ? "" : text.toString("latin1", start, end).toLowerCase();
  return { token: KEYWORDS.get(word) ?? "other", end };
}

function after(index: number, length: number): number | undefined {
  return index < 0 ? undefined : index + length;
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function isWord(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 95 ||
    byte === 36 ||
    byte >= 128
  );
}
