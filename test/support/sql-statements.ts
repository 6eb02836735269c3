/**
 * Splits a script into its statements, each without the semicolon that ends it. Strings, quoted
 * names, comments and the bodies of triggers are stepped over, by the rule of SQLite's own
 * `sqlite3_complete`: a trigger ends at `; END ;`. What stands behind the last semicolon is a
 * statement too, unless it is only comments and white space.
 */
export function splitStatements(script: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let head: string[] = [];
  let last = "";
  let beforeLast = "";
  for (const token of scan(script)) {
    if (token.text === ";" && !(isTrigger(head) && !(last === "END" && beforeLast === ";"))) {
      if (head.length > 0) statements.push(script.slice(start, token.start));
      start = token.start + 1;
      head = [];
      last = "";
      beforeLast = "";
      continue;
    }
    if (head.length < 3) head.push(token.text);
    beforeLast = last;
    last = token.text;
  }
  if (head.length > 0) statements.push(script.slice(start));
  return statements;
}

/** CREATE [TEMP | TEMPORARY] TRIGGER. */
function isTrigger(head: string[]): boolean {
  const at = head[1] === "TEMP" || head[1] === "TEMPORARY" ? 2 : 1;
  return head[0] === "CREATE" && head[at] === "TRIGGER";
}

/** White space and comments, quoted things, words, and single characters. */
const TOKEN =
  /([ \t\n\f\r]+|--[^\n]*\n?|\/\*[^*]*(?:\*(?!\/)[^*]*)*(?:\*\/)?)|('[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|`[^`]*(?:``[^`]*)*`?|\[[^\]]*\]?)|([A-Za-z0-9_$\u0080-\uffff]+)|[^]/y;

/** The tokens that count: words in upper case, `;`, and "" for everything else. */
function* scan(script: string): Generator<{ text: string; start: number }> {
  for (let start = 0; start < script.length; start = TOKEN.lastIndex) {
    TOKEN.lastIndex = start;
    const match = TOKEN.exec(script);
    if (match === null) throw new Error(`no token at ${start}`);
    // Kept aside: the caller may split another script between two tokens.
    const end = TOKEN.lastIndex;
    if (match[1] === undefined) {
      const text = match[3] !== undefined ? match[3].toUpperCase() : match[0] === ";" ? ";" : "";
      yield { text, start };
    }
    TOKEN.lastIndex = end;
  }
}
