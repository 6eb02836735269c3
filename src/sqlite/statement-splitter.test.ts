import { DatabaseSync } from "node:sqlite";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type ScriptStatement, splitScript, StatementSplitter } from "./statement-splitter.ts";
import { tokenizeSql } from "./sql-tokens.ts";

const STATEMENTS = [
  'CREATE TABLE t (a, [b;], "c;", `d;`);',
  "INSERT INTO t VALUES ('it''s; -- no comment', 1 - -1, 3/2, X'00');",
  "-- a comment; with 'a quote\nSELECT 1;",
  '/* another; " one */ SELECT 2;',
  "CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM t; END;",
  "create /* x */ temporary trigger tr2 after insert on t begin select ';end;'; end ;",
  "CREATE TABLE ending (end_, trigger_ TEXT DEFAULT ';');",
  "INSERT INTO t VALUES ('ü€𝄞', 'CREATE TRIGGER');",
  "CREATE VIRTUAL TABLE r USING rtree(id, a;b, (c;) d, 'e)' /* ) */);",
  "\uFEFFCREATE TRIGGER tr3 AFTER INSERT ON t BEGIN SELECT 1; END;",
  "EXPLAIN QUERY PLAN CREATE TRIGGER tr4 AFTER INSERT ON t BEGIN SELECT 1; END;",
];

const textOf = ({ bytes }: ScriptStatement): string => Buffer.from(bytes).toString();

/** A script in pieces of these sizes, over and over. */
function* piecesOf(script: string, sizes: readonly number[]): Generator<Uint8Array> {
  const bytes = Buffer.from(script);
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function textsOf(script: string, sizes: number[]): Promise<string[]> {
  async function* chunks() {
    yield* piecesOf(script, sizes);
  }
  const texts: string[] = [];
  for await (const statement of splitScript(chunks())) texts.push(textOf(statement));
  return texts;
}

/** Statements of a script that may break off. */
function split(script: string, sizes: readonly number[] = [1 << 20]): ScriptStatement[] {
  const splitter = new StatementSplitter();
  const found = [...piecesOf(script, sizes)].flatMap((piece) => [...splitter.push(piece)]);
  const last = splitter.finish();
  return last === undefined ? found : [...found, last];
}

/** The script's text from each statement's first token to its end. */
function slicesOf(script: string, statements: readonly ScriptStatement[]): string[] {
  const bytes = Buffer.from(script);
  return statements.map(({ offset, bytes: { length }, start }) =>
    bytes.toString("utf8", offset, offset + length - start),
  );
}

describe("splitScript", () => {
  test("cuts after each statement, whatever quotes, comments, triggers and arguments hold", async () => {
    for (const statement of STATEMENTS) {
      const texts = await textsOf(`${statement}SELECT 'next';`, [Buffer.byteLength(statement)]);
      expect(texts).toEqual([statement, "SELECT 'next';"]);
    }
  });

  test("cuts a text that arrives at once", async () => {
    const text = STATEMENTS.join("");
    expect(await textsOf(text, [Buffer.byteLength(text)])).toEqual(STATEMENTS);
  });

  test("yields whole statements and all of the text for any sequence of chunk sizes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...STATEMENTS), { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        async (statements, sizes) => {
          const texts = await textsOf(statements.join("\n"), sizes);
          expect(texts.join("")).toBe(statements.join("\n"));
          expect(texts.map((text) => text.replace(/^\n/, ""))).toEqual(statements);
        },
      ),
    );
  });

  test("refuses a text that ends within a statement", async () => {
    for (const text of ["SELECT 1", "SELECT 'a;", "CREATE TRIGGER x BEGIN SELECT 1;", "/* a"]) {
      await expect(textsOf(`SELECT 0;${text}`, [4])).rejects.toThrow(/ends within a statement/);
    }
  });

  test("takes white space and comments after the last statement", async () => {
    expect(await textsOf("SELECT 1;\n-- done", [3])).toEqual(["SELECT 1;"]);
  });
});

describe("StatementSplitter", () => {
  test("reports where each statement starts, and passes over empty ones", () => {
    const script = "-- é\n;;\n SELECT\n1; /* x\n */SELECT 'a\nb'\r\n;;\n\nSELECT 3";
    const found = split(script).map(({ number, line, offset, isEnded }) => [
      number,
      line,
      offset,
      isEnded,
    ]);
    const offsets = ["SELECT\n1", "SELECT 'a", "SELECT 3"].map((text) =>
      Buffer.from(script).indexOf(text),
    );
    expect(found).toEqual([
      [1, 3, offsets[0], true],
      [2, 5, offsets[1], true],
      [3, 9, offsets[2], false],
    ]);
    expect(slicesOf(script, split(script))).toEqual([
      "SELECT\n1;",
      "SELECT 'a\nb'\r\n;",
      "SELECT 3",
    ]);
  });

  test("continues at a place of the script", () => {
    const script = STATEMENTS.join("\n");
    const whole = split(script);
    const [first] = whole;
    const length = first?.bytes.length ?? 0;
    const splitter = new StatementSplitter({ statements: 1, lines: 0, textBytes: length });
    expect([...splitter.push(Buffer.from(script).subarray(length))]).toEqual(whole.slice(1));
  });

  test("an open comment is no statement, but is reported", () => {
    const last = split("SELECT 1; /* a").at(-1);
    expect(last).toMatchObject({ start: 5, isEnded: false });
    expect(last?.bytes.length).toBe(5);
    expect(split("SELECT 1; -- a")).toHaveLength(1);
  });

  test("keeps a statement of many pieces, of which none is changed later", () => {
    const long = `SELECT '${"x;".repeat(50_000)}';`;
    const found = split(`${long}SELECT 2;${long}`, [1_000]);
    expect(found.map(textOf)).toEqual([long, "SELECT 2;", long]);
  });
});

/** What the state machine of `sqlite3_complete()` tells apart; the order is that of its table. */
const CLASSES = ["semi", "space", "other", "explain", "create", "temp", "trigger", "end"];

/** https://www.sqlite.org/src/file/src/complete.c: states by the class of the next token. */
const COMPLETE = [
  [1, 0, 2, 3, 4, 2, 2, 2],
  [1, 1, 2, 3, 4, 2, 2, 2],
  [1, 2, 2, 2, 2, 2, 2, 2],
  [1, 3, 3, 2, 4, 2, 2, 2],
  [1, 4, 2, 2, 2, 4, 5, 2],
  [6, 5, 5, 5, 5, 5, 5, 5],
  [6, 6, 5, 5, 5, 5, 5, 7],
  [1, 7, 5, 5, 5, 5, 5, 5],
];

/** The pieces of a script of which each is the shortest that `sqlite3_complete()` takes for complete. */
function completePieces(script: string): string[] {
  const token =
    /[ \t\n\r\f]|\/\*[^]*?\*\/|--[^\n]*\n|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|[A-Za-z0-9_$\x80-\uffff]+|\/(?!\*)|-(?!-)|[^'"`[/-]/y;
  const pieces: string[] = [];
  let state = 0;
  let start = 0;
  for (let at = 0; at < script.length; at = token.lastIndex) {
    token.lastIndex = at;
    const [text] = token.exec(script) ?? [];
    if (text === undefined) break;
    const word = text.toLowerCase().replace("temporary", "temp");
    const isSpace = /^(?:\s|\/\*|--)/.test(text);
    const name = text === ";" ? "semi" : isSpace ? "space" : word;
    const place = CLASSES.indexOf(name);
    state = COMPLETE[state]?.[place < 0 ? 2 : place] ?? 0;
    if (state !== 1 || text !== ";") continue;
    pieces.push(script.slice(start, token.lastIndex));
    start = token.lastIndex;
    state = 0;
  }
  return pieces;
}

const WORDS = ["CREATE", "create", "TEMP", "Temporary", "TRIGGER", "END", "end", "BEGIN", "CASE"];
const SIGNS = [";", ";", "; END;", " ", "\n", "-", "/", "*", "(", ")", "é", "x1", "$", "ENDE"];
const QUOTES = ["'a;b'", "'it''s'", "'", '"', '"a;""b"', "`;", "`", "[", "]", "--x;\n", "/*;*/"];

test("cuts scripts of any tokens where sqlite3_complete() finds a statement's end", () => {
  const head = fc.constantFrom("", "CREATE TRIGGER ", "create temp\ntrigger ");
  const soup = fc.array(fc.constantFrom(...WORDS, ...SIGNS, ...QUOTES, "/*", "*/", "--"), {
    maxLength: 30,
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(head, soup, sizes, fc.boolean(), (start, tokens, pieces, isSpaced) => {
      const script = start + tokens.join(isSpaced ? " " : "");
      const expected = completePieces(script).filter((piece) =>
        [...tokenizeSql(piece)].some(({ text }) => text !== ";"),
      );
      const found = split(script, pieces);
      expect(found.filter(({ isEnded }) => isEnded).map(textOf)).toEqual(expected);
      expect(found).toEqual(split(script));
      for (const { number, line, offset } of found) {
        expect(found[number - 1]?.offset).toBe(offset);
        expect(line).toBe(Buffer.from(script).toString("utf8", 0, offset).split("\n").length);
      }
    }),
    { numRuns: 3_000 },
  );
});

/** Characters that a splitter might take for something else. */
const ODD_TEXT = fc.string({
  unit: fc.constantFrom(...Array.from("ab;'\"`[] \n-/*()é"), "END", "--", "/*", "*/", "; END;"),
  minLength: 1,
  maxLength: 8,
});

const doubled = (text: string, quote: string): string =>
  quote + text.replaceAll(quote, quote + quote) + quote;
const STRING = ODD_TEXT.map((text) => doubled(text, "'"));
const NAME = fc.oneof(
  fc.tuple(ODD_TEXT, fc.constantFrom('"', "`")).map(([text, quote]) => doubled(text, quote)),
  ODD_TEXT.map((text) => `[${text.replaceAll("]", "")}x]`),
  fc.constantFrom("begin", "End", "trigger_", "é$"),
);

/** White space and comments, at least one. */
const GAP = fc
  .array(fc.constantFrom(" ", "\n", "\t", "/* ; ' */", '-- ; "\n', "/**/", "--\n"), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => ` ${parts.join("")}`);

/** Tokens with gaps of random white space and comments between them. */
function spaced(...tokens: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  const each = tokens.flatMap((token) => [
    typeof token === "string" ? fc.constantFrom(token, token.toLowerCase()) : token,
    GAP,
  ]);
  return fc.tuple(...each).map((texts) => texts.join(""));
}

const CASE = spaced("CASE", STRING, "WHEN", "1", "THEN", "2", "ELSE", "3", "END");
const BODY_STATEMENT = fc.oneof(
  spaced("SELECT", CASE, ";"),
  spaced("INSERT", "INTO", "seen", "VALUES", "(", STRING, ")", ";"),
  spaced("SELECT", "1", "AS", NAME, ";"),
  spaced("UPDATE", "seen", "SET", "a", "=", "a", "||", STRING, "WHERE", "0", ";"),
);
const BODY = fc.array(BODY_STATEMENT, { minLength: 1, maxLength: 3 }).map((all) => all.join(""));
const TRIGGER = fc
  .tuple(
    spaced("CREATE", fc.constantFrom("", "TEMP", "temporary"), "TRIGGER", "IF", "NOT", "EXISTS"),
    spaced(NAME, "AFTER", "INSERT", "ON", "log", "WHEN", CASE, "> 0", "BEGIN"),
    BODY,
    spaced("END"),
  )
  .map((parts) => parts.join(""));
const STATEMENT = fc.oneof(
  TRIGGER,
  spaced("EXPLAIN", fc.constantFrom("", "QUERY PLAN"), TRIGGER),
  spaced("CREATE", "TABLE", "IF", "NOT", "EXISTS", NAME, "(", "a", ",", NAME, ")"),
  spaced("CREATE VIRTUAL TABLE IF NOT EXISTS v USING rtree(id, a", ";", "(", ";", ")", ", b)"),
  spaced("INSERT", "INTO", "log", "VALUES", "(", STRING, ")"),
  spaced("UPDATE", "log", "SET", "a", "=", STRING),
  spaced("SELECT", CASE, "AS", NAME),
  spaced("BEGIN"),
  spaced("END"),
  fc.constant(""),
);
/** What a file that breaks off may end in. */
const TAIL = fc.constantFrom("", "", ";", "-- x;", "/* ;", "SELECT 'a;", "CREATE TRIGGER x", "(");

/** Everything that a script leaves behind in a database, and the error that stopped it. */
function outcome(run: (db: DatabaseSync) => void): object {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE log(a); CREATE TABLE seen(a)");
  let stopped = false;
  try {
    run(db);
  } catch {
    stopped = true;
  }
  const rows = (sql: string): unknown[] => db.prepare(sql).all();
  const found = {
    stopped,
    isOpen: db.isTransaction,
    schema: rows("SELECT * FROM sqlite_master ORDER BY name"),
    temp: rows("SELECT * FROM temp.sqlite_master ORDER BY name"),
    log: rows("SELECT * FROM log ORDER BY rowid"),
    seen: rows("SELECT * FROM seen ORDER BY rowid"),
  };
  db.close();
  return found;
}

test("statement by statement, a script does what SQLite makes of it as a whole", () => {
  const parts = fc.array(fc.tuple(STATEMENT, fc.constantFrom(";", ";\n", ";\uFEFF", ";;")), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(parts, fc.oneof(TAIL, STATEMENT), (statements, tail) => {
      const script = statements.flat().join("") + tail;
      const whole = outcome((db) => db.exec(script));
      const stepwise = outcome((db) => {
        for (const statement of split(script, [7, 64])) {
          // `prepare` reads the first statement of a text only, so a text of two leaves one out.
          if (statement.start < statement.bytes.length) db.prepare(textOf(statement)).run();
        }
      });
      expect(stepwise).toEqual(whole);
    }),
    { numRuns: 400 },
  );
});
