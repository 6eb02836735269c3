/** A statement of a script. */
export interface ScriptStatement {
  /**
   * Its text with the semicolon that ends it, after the white space and the comments since the last
   * semicolon. A view of bytes that the splitter does not change.
   */
  bytes: Uint8Array;
  /**
   * Position of its first token in `bytes`; the length of `bytes` if they contain only an open
   * comment.
   */
  start: number;
  /** From 1. Empty statements do not count. */
  number: number;
  /** The line of its first token, from 1. */
  line: number;
  /** The byte of the script at which its first token stands, from 0. */
  offset: number;
  /** How much of the script there is up to the statement's end. */
  after: ScriptPlace;
  /** False only for a last statement or comment that the script breaks off. */
  isEnded: boolean;
  /** Set if it begins with the bytes that `expectRows` got, and only literals follow. */
  plain?: { head: Uint8Array; rows: number };
}

/** Returns a statement's text from its first token on, as a view. It takes long for every one of many statements. */
export function textOf({ bytes, start }: Pick<ScriptStatement, "bytes" | "start">): Uint8Array {
  return bytes.subarray(start);
}

/** How much of a script comes before a place in it. */
export interface ScriptPlace {
  /** In bytes. */
  textBytes: number;
  statements: number;
  /** Line feeds. */
  lines: number;
}
