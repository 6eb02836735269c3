import { NAME_TRAPS } from "./name-traps.ts";
import { largeValue } from "./random-values.ts";

/** A database that other dumps get wrong. */
export interface Trap {
  /** What the dump does, as a test's title. */
  title: string;
  /** SQL that builds it, each statement legal on D1 and Durable Objects. */
  script: string[];
  /**
   * Queries that must return the same in the restored database: what a comparison of rows does not
   * see.
   */
  queries?: string[];
  /** The only thing that may differ in the restored database, as a warning says. */
  differs?: RegExp;
  /** What a warning of the dump says. */
  warning?: RegExp;
  /** True if the `sqlite3` shell, which removes CR before LF, changes the schema. */
  notByShell?: true;
  /** Modules that only Node's own build of SQLite has. */
  nodeOnly?: true;
}

function wide(count: number, column: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => column(n)).join(", ");
}

const NASTY_NAME = `it's "a" [b] \`c\`; -- d /* e */ . % * ?1 :x $y @z \\n
\r\t select \u{1f98b} \ufeff\ufffd `;

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const text = (piece: string, bytes: number): string => largeValue(piece, bytes, "text").sql;
const blob = (piece: string, bytes: number): string => largeValue(piece, bytes, "blob").sql;

const LONG_TEXT = "replace(hex(zeroblob(100)), '00', 'long ')";

/** Every trap that docs/exactness.md names, in its order. */
export const TRAPS: readonly Trap[] = [
  {
    title: "keeps integers of 64 bits",
    script: [
      "CREATE TABLE t(a INTEGER, b, c NUMERIC, d TEXT, e REAL)",
      ...[
        "9223372036854775807",
        "-9223372036854775808",
        "9007199254740993",
        "-9007199254740993",
      ].map((n) => `INSERT INTO t VALUES (${n}, ${n}, ${n}, ${n}, ${n})`),
    ],
  },
  {
    title: "keeps REAL values as REAL to their last bit",
    script: [
      "CREATE TABLE t(a, r REAL, n NUMERIC, i INTEGER, x TEXT)",
      ...[
        "1.0",
        "0.1",
        "0.30000000000000004",
        // Reals that some versions of SQLite read as a neighbor: see `exactRealSql`.
        "-26.819604",
        "88.398339",
        "67879430873.285",
        "0.000123456789",
        "1e-9",
        "1.7e-300",
        "1e100",
        "1e15",
        "9007199254740993.0",
        "1.7976931348623157e308",
        "123456789012345680.0",
      ].map((n) => `INSERT INTO t VALUES (${n}, ${n}, ${n}, ${n}, ${n})`),
    ],
  },
  {
    title: "keeps infinities, subnormal numbers and the sign of -0.0",
    script: [
      "CREATE TABLE t(a, r REAL, n NUMERIC, i INTEGER)",
      ...["9e999", "-9e999", "5e-324", "-5e-324", "2.2250738585072009e-308", "-0.0", "0.0"].map(
        (n) => `INSERT INTO t VALUES (${n}, ${n}, ${n}, ${n})`,
      ),
      "CREATE TABLE s(a ANY, r REAL) STRICT",
      "INSERT INTO s VALUES (-0.0, -0.0), (-9e999, -9e999)",
    ],
  },
  {
    title: "keeps text that holds NUL",
    script: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, a, n NUMERIC)",
      "INSERT INTO t VALUES (1, CAST(X'610062' AS TEXT), CAST(X'00' AS TEXT), CAST(X'3100' AS TEXT))",
      "INSERT INTO t VALUES (2, CAST(X'27002700' AS TEXT), CAST(X'0027' AS TEXT), 'plain')",
      // Long rows, longer than one page.
      "CREATE TABLE long(id INTEGER PRIMARY KEY, x TEXT, a)",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO long SELECT i, ${LONG_TEXT} || CASE i % 4 WHEN 0 THEN char(0) || 'it''s "quoted"'
        WHEN 1 THEN char(0) WHEN 2 THEN 'it''s "quoted"' ELSE '' END, CASE i % 3 WHEN 0 THEN NULL
        WHEN 1 THEN CAST(${LONG_TEXT} || i AS BLOB) ELSE i || ${LONG_TEXT} || char(0) END FROM n`,
    ],
  },
  {
    title: "keeps text that is not valid UTF-8",
    script: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, a)",
      ...["FF", "C3", "EDA080", "F4908080", "C0AF", "27FF27", "FF00FF", "0A5C6EFF", "C327"].map(
        (hex, n) => `INSERT INTO t VALUES (${n}, CAST(X'${hex}' AS TEXT), 'valid ' || ${n})`,
      ),
    ],
  },
  {
    title: "keeps line ends, backslashes, quotes, U+FFFD, byte order marks and emoji in text",
    script: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
      "INSERT INTO t VALUES (1, 'a\nb \\n c')",
      "INSERT INTO t VALUES (2, '\r\n \r \\r')",
      `INSERT INTO t VALUES (3, 'it''s "quoted"; -- \\ /* */')`,
      "INSERT INTO t VALUES (4, '\ufffd')",
      "INSERT INTO t VALUES (5, '\ufeffbom \u{1f98b} e\u0301 \ufffe\uffff')",
      "INSERT INTO t VALUES (6, '.quit\n.exit\n/\ngo\n;')",
      "INSERT INTO t VALUES (7, '')",
      "INSERT INTO t VALUES (8, 'it''s\r\na letter\r\n'), (9, 'mixed\r\nline\nends'), (10, '\r\r\n'), (11, 'CR alone\r')",
      "INSERT INTO t VALUES (12, CAST(X'0D0AFF' AS TEXT)), (13, CAST(X'0D0A00' AS TEXT))",
      `INSERT INTO t VALUES (14, ${text("610D0A27", 250_000)}), (15, ${text("0D0A", 40_000)})`,
    ],
  },
  {
    title: "keeps text that holds BEGIN TRANSACTION and COMMIT",
    script: [
      "CREATE TABLE lessons(id INTEGER PRIMARY KEY, t TEXT, u)",
      ...[1, 300, 3000].map(
        (times) =>
          `INSERT INTO lessons(t, u) VALUES (replace(hex(zeroblob(${times})), '00', ` +
          "'SQL lesson: BEGIN TRANSACTION; UPDATE a SET b=1; COMMIT; end'), 'COMMIT;')",
      ),
    ],
  },
  {
    title: "keeps strings in double quotes in CHECK and in indexes, with a warning",
    script: [
      `CREATE TABLE tickets(id INTEGER PRIMARY KEY, state TEXT CHECK (state IN ("new", "done")), kind DEFAULT "x")`,
      `CREATE INDEX open_tickets ON tickets(kind) WHERE state = "new"`,
      "INSERT INTO tickets(state) VALUES ('new'), ('done')",
    ],
    warning: /table "tickets" contains strings in double quotes(.|\n)*index "open_tickets"/,
  },
  {
    title: "keeps BLOBs, and text in BLOB columns, and BLOBs in TEXT columns",
    script: [
      "CREATE TABLE t(b BLOB, x TEXT, n NUMERIC)",
      "INSERT INTO t VALUES (X'', X'', X''), (X'00FF27', X'61', X'31'), ('61', '61', NULL)",
      // Next to ordinary values in their row, in columns of every type.
      "CREATE TABLE o(i INTEGER, x TEXT COLLATE NOCASE, r REAL, n NUMERIC, b BLOB, u)",
      ...[
        "NULL",
        "X'35'",
        "'5 %d %Q'",
        "CAST(X'610062' AS TEXT)",
        "0.5",
        "1e300",
        "-9.2233720368547758e18",
        "-9223372036854775808",
      ].flatMap((odd) =>
        ["1", "'t'", "1.5", "2", "X'01'", "3"].map((_, at, ordinary) => {
          const row = ordinary.toSpliced(at, 1, odd);
          return `INSERT INTO o VALUES (${row.join(", ")})`;
        }),
      ),
    ],
  },
  {
    title: "keeps values of up to 2 MB, sliced into statements of at most 100,000 bytes",
    script: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
      `INSERT INTO t VALUES (1, ${text("61", 1_900_000)})`,
      `INSERT INTO t VALUES (2, ${blob("00FF", 1_900_000)})`,
      `INSERT INTO t VALUES (3, ${text("27", 1_900_000)})`,
      `INSERT INTO t VALUES (4, ${text("6100", 1_900_000)})`,
      `INSERT INTO t VALUES (5, ${text("E282ACFF", 1_900_000)})`,
      `INSERT INTO t VALUES (6, ${text("F09FA68B", 1_000_001)})`,
      "INSERT INTO t VALUES (7, 'small')",
    ],
  },
  {
    title:
      "keeps large rows of many values, with CHECK, UNIQUE and STRICT in force while they load",
    script: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL CHECK (length(a) > 40000), b BLOB UNIQUE CHECK (length(b) > 40000), c ANY, d TEXT CHECK (d LIKE '%a')) STRICT",
      `INSERT INTO t VALUES (1, ${text("61", 50_000)}, ${blob("62", 50_000)}, ${text("63", 50_000)}, 'a')`,
      `INSERT INTO t VALUES (2, ${text("61", 99_990)}, ${blob("6200", 99_990)}, 5, ${text("61", 30_000)})`,
      `CREATE TABLE w(${wide(100, (n) => `c${n}`)})`,
      `INSERT INTO w VALUES (${wide(100, (n) => text(n % 2 === 0 ? "61" : "27", 700 + n))})`,
    ],
  },
  {
    title: "keeps rows of every length around a statement's limits",
    script: [
      "CREATE TABLE t(v)",
      ...[31_990, 32_000, 49_990, 50_010, 59_990, 60_000, 60_010, 99_900, 100_000, 100_100].flatMap(
        (bytes) => [`INSERT INTO t VALUES (${text("78", bytes)})`, "INSERT INTO t VALUES (1)"],
      ),
    ],
  },
  {
    title: "keeps 100 columns and their rowid",
    script: [
      `CREATE TABLE t(${wide(100, (n) => `"column ${n}"`)})`,
      `INSERT INTO t(rowid, "column 0", "column 99") VALUES (-5, 'first', 'last')`,
      `INSERT INTO t VALUES (${wide(100, (n) => (n % 3 === 0 ? "NULL" : `'value ''${n}'''`))})`,
    ],
  },
  {
    title: "keeps 100 columns whose names are long",
    script: [
      `CREATE TABLE t(${wide(100, (n) => `"${"long name ".repeat(20)}${n}" TEXT`)})`,
      `INSERT INTO t VALUES (${wide(100, (n) => `'value ${n}'`)})`,
      `INSERT INTO t VALUES (${wide(100, (n) => (n === 7 ? text("61", 90_000) : "CAST(X'FF00' AS TEXT)"))})`,
      `CREATE TABLE w(${wide(99, (n) => `"${"long name ".repeat(20)}${n}" TEXT`)}, k TEXT PRIMARY KEY) WITHOUT ROWID`,
      `INSERT INTO w VALUES (${wide(100, (n) => `'value ${n}'`)})`,
    ],
  },
  {
    title: "leaves generated columns to be generated",
    script: [
      `CREATE TABLE t(v AS (a || b) VIRTUAL, a TEXT, s TEXT AS (upper(a)) STORED NOT NULL, b, n INT AS (length(b)))`,
      `INSERT INTO t(a, b) VALUES ('x', 1), ('it''s', X'00FF'), ('', 2.5)`,
      "CREATE UNIQUE INDEX i ON t(s, n)",
      "CREATE TABLE w(k PRIMARY KEY, g AS (k + 1) STORED) WITHOUT ROWID",
      "INSERT INTO w(k) VALUES (1), (2.5)",
    ],
  },
  {
    title: "keeps STRICT tables, with ANY as it is",
    script: [
      "CREATE TABLE t(i INT, n INTEGER, r REAL, x TEXT, b BLOB, a ANY) STRICT",
      "INSERT INTO t VALUES (1, -9223372036854775808, 5, 'x', X'00', 1.0), (NULL, 2, 2.5, CAST(X'00FF' AS TEXT), X'', '007')",
      "INSERT INTO t(a) VALUES (5), ('5'), (5.0), (X'35'), (NULL), (-0.0)",
      "CREATE TABLE k(a ANY PRIMARY KEY, b INT) STRICT, WITHOUT ROWID",
      "INSERT INTO k VALUES (1, 1), ('1', 2), (1.5, 3), (X'31', 4)",
    ],
  },
  {
    title: "keeps WITHOUT ROWID tables with composite, descending and NOCASE keys",
    script: [
      "CREATE TABLE t(a TEXT COLLATE NOCASE, b, c TEXT, v, PRIMARY KEY (c COLLATE RTRIM DESC, a, b DESC)) WITHOUT ROWID",
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
       INSERT INTO t SELECT char(97 + i % 5), i % 7 - 3.5, char(65 + i % 11), i FROM n WHERE true ON CONFLICT DO NOTHING`,
      "INSERT INTO t VALUES ('B', -9e999, 'a  ', 1), ('b', 9e999, 'A ', 2), ('ß', X'00', 'É', 3)",
      "CREATE TABLE d(a, b, PRIMARY KEY (a DESC, a COLLATE NOCASE, b)) WITHOUT ROWID",
      "INSERT INTO d VALUES ('x', 1), ('X', 1), ('x', 2)",
    ],
  },
  {
    title: "keeps untyped keys that hold values of every type",
    script: [
      "CREATE TABLE t(k PRIMARY KEY, v) WITHOUT ROWID",
      "INSERT INTO t VALUES (1, 'i'), (1.5, 'r'), ('1', 't'), (X'31', 'b'), (9223372036854775807, 'm'), (9223372036854775807.0, 'n'), (-0.0, 'z')",
      "INSERT INTO t VALUES (CAST(X'FF' AS TEXT), 'invalid'), (CAST(X'6100' AS TEXT), 'nul'), (CAST(X'61' AS TEXT), 'a'), ('', 'empty'), (X'', 'none'), (-9e999, 'inf')",
      `INSERT INTO t VALUES (${text("61", 20_000)}, 'long text'), (${blob("61", 20_000)}, 'long blob')`,
    ],
  },
  {
    title: "keeps the rowids of tables without INTEGER PRIMARY KEY, gaps and negative ones too",
    script: [
      "CREATE TABLE t(a)",
      "INSERT INTO t(rowid, a) VALUES (5, 'five'), (-3, 'minus three'), (9223372036854775807, 'last'), (-9223372036854775808, 'first'), (0, 'zero')",
      "CREATE TABLE k(a TEXT PRIMARY KEY, b)",
      "INSERT INTO k(rowid, a) VALUES (100, 'x'), (7, 'y')",
      "DELETE FROM k WHERE a = 'x'",
    ],
    queries: ["SELECT rowid, a FROM t ORDER BY rowid", "SELECT rowid, a FROM k"],
  },
  {
    title: "keeps rowids where columns are named rowid, _rowid_ or oid",
    script: [
      "CREATE TABLE one(rowid, b)",
      "INSERT INTO one(_rowid_, rowid) VALUES (7, 'not the rowid'), (-7, 1)",
      "CREATE TABLE two(RowId TEXT, oid)",
      "INSERT INTO two(_rowid_, rowid, oid) VALUES (3, 'x', 2), (9007199254740993, 'y', 2)",
      "CREATE TABLE pk(rowid TEXT, oid INTEGER PRIMARY KEY, _rowid_)",
      "INSERT INTO pk VALUES ('a', 2, 3), ('b', -9, 3)",
    ],
    queries: ["SELECT _rowid_ FROM one ORDER BY 1", "SELECT _rowid_ FROM two ORDER BY 1"],
  },
  {
    title: "keeps the rows of tables that hide all three names of the rowid",
    script: [
      "CREATE TABLE keyed(rowid TEXT NOT NULL, _rowid_, oid, UNIQUE (rowid))",
      "INSERT INTO keyed VALUES ('b', 1, 2), ('a', 3, 4), (CAST(X'FF00' AS TEXT), 5, 6)",
      "CREATE TABLE keyless(rowid, _rowid_, oid)",
      "INSERT INTO keyless VALUES (1, 1, 1), (1, 1, 1), (NULL, 'x', X'00')",
    ],
  },
  {
    title: "keeps INTEGER PRIMARY KEY DESC, which is no rowid, with both its numbers",
    script: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, a)",
      "INSERT INTO t(rowid, id, a) VALUES (10, 1, 'x'), (3, 2, 'y'), (5, NULL, 'null')",
      "CREATE TABLE alias(id INTEGER, a, PRIMARY KEY (id DESC))",
      "INSERT INTO alias VALUES (7, 'x'), (-2, 'y')",
    ],
    queries: ["SELECT rowid, id, a FROM t ORDER BY rowid"],
  },
  {
    title: "keeps AUTOINCREMENT counters, those of emptied tables too",
    script: [
      "CREATE TABLE used(id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
      "INSERT INTO used VALUES (1, 'a'), (500, 'b')",
      "DELETE FROM used WHERE id = 500",
      "CREATE TABLE emptied(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO emptied VALUES (77)",
      "DELETE FROM emptied",
      "CREATE TABLE never(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      'CREATE TABLE "odd\'s"(id INTEGER PRIMARY KEY AUTOINCREMENT)',
      'INSERT INTO "odd\'s" VALUES (3)',
      "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'odd''s'",
      "CREATE TABLE uncounted(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO uncounted VALUES (9)",
      "DELETE FROM sqlite_sequence WHERE name = 'uncounted'",
    ],
    queries: ["SELECT name, seq FROM sqlite_sequence ORDER BY name"],
  },
  {
    title: "loads rows that refer to their own table and to tables in a cycle",
    script: [
      "CREATE TABLE tree(id INTEGER PRIMARY KEY, parent NOT NULL REFERENCES tree(id) DEFERRABLE INITIALLY DEFERRED)",
      "INSERT INTO tree VALUES (1, 3), (2, 1), (3, 2)",
      "CREATE TABLE a(id INTEGER PRIMARY KEY, b REFERENCES B(id))",
      "CREATE TABLE b(id INTEGER PRIMARY KEY, a REFERENCES A(id) ON DELETE CASCADE)",
      "INSERT INTO a VALUES (1, NULL)",
      "INSERT INTO b VALUES (1, 1)",
      "UPDATE a SET b = 1",
    ],
    warning: /cycle/,
  },
  {
    title: "loads parents before children, whose key may be an index of its own",
    script: [
      "CREATE TABLE child(p TEXT REFERENCES parent(code), q REFERENCES parent(a))",
      "CREATE TABLE parent(a INTEGER PRIMARY KEY, code TEXT)",
      "CREATE UNIQUE INDEX parent_code ON parent(code)",
      "INSERT INTO parent VALUES (1, 'x')",
      "INSERT INTO child VALUES ('x', 1), (NULL, NULL)",
    ],
  },
  {
    title: "keeps CHECK, NOT NULL, DEFAULT, collations and conflict clauses, byte for byte",
    script: [
      "CREATE TABLE IF NOT EXISTS main.  t  (\n  a INT /* one; */ NOT NULL ON CONFLICT REPLACE DEFAULT (1 + 1), -- two ' \n  b TEXT COLLATE NOCASE CHECK (b <> ';' AND b IS NOT '--'),\n  c DEFAULT 'it''s', d DEFAULT CURRENT_TIMESTAMP, UNIQUE (a, b) ON CONFLICT IGNORE, CONSTRAINT \"odd \"\"name\" CHECK (c IS NOT 5)\n)",
      "INSERT INTO t VALUES (1, 'x', NULL, NULL), (2, 'X', 'c', 5)",
      "ALTER TABLE t ADD COLUMN e INTEGER DEFAULT '12x'",
      'ALTER TABLE t RENAME COLUMN c TO "c;"',
      "CREATE TABLE copy AS SELECT * FROM t",
    ],
  },
  {
    title: "keeps partial, expression, descending and collated indexes",
    script: [
      "CREATE TABLE t(a TEXT, b, j)",
      `INSERT INTO t VALUES ('x', 1, '{"k": 1}'), ('X', 2, '{}'), (NULL, 3, NULL)`,
      "CREATE INDEX i1 ON t(a COLLATE NOCASE DESC, b)",
      "CREATE UNIQUE INDEX i2 ON t(a) WHERE b > 0 AND a <> ';' -- not; the end\n AND a <> '--'",
      "CREATE INDEX i3 ON t(lower(a), json_extract(j, '$.k') DESC, b || ';')",
      'CREATE INDEX IF NOT EXISTS "i;4" ON "t" ( "b" )  ',
    ],
  },
  {
    title: "closes comments that end a schema's text, with a warning",
    script: [
      "CREATE TABLE t(a, b)",
      "INSERT INTO t VALUES (1, 2)",
      "CREATE INDEX i ON t(a) -- no end",
      "CREATE VIEW v AS SELECT 1 AS one /* no end",
      "CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID -- ;",
      "INSERT INTO w VALUES ('x')",
    ],
    warning: /"v" ends in an open comment/,
    differs: /^(index "i"|view "v"|table "w") is /,
  },
  {
    title: "keeps views on views, whatever the order in which they were made",
    script: [
      "CREATE VIEW top AS SELECT * FROM middle",
      "CREATE VIEW middle(x, \"y;\") AS SELECT a, b FROM base /* ; */ WHERE a <> '--'",
      "CREATE TABLE base(a, b)",
      "INSERT INTO base VALUES (1, 2)",
      "CREATE VIEW broken AS SELECT * FROM nowhere",
      "CREATE VIEW commented AS SELECT 1 AS one -- no end",
    ],
    queries: ["SELECT * FROM top", "SELECT * FROM commented"],
  },
  {
    title: "keeps INSTEAD OF triggers after the views that they need",
    script: [
      "CREATE TABLE base(a)",
      "CREATE VIEW v AS SELECT a FROM base",
      "CREATE TRIGGER a_first INSTEAD OF INSERT ON v BEGIN INSERT INTO base VALUES (new.a); END",
      "CREATE VIEW w AS SELECT a FROM v",
      "CREATE TRIGGER a_second INSTEAD OF DELETE ON w BEGIN DELETE FROM base WHERE a = old.a; END",
      "INSERT INTO v VALUES (5)",
    ],
  },
  {
    title: "keeps triggers whose bodies hold semicolons, comments and strings, and fires none",
    script: [
      "CREATE TABLE t(a)",
      "CREATE TABLE log(a)",
      "INSERT INTO t VALUES (1)",
      `CREATE TRIGGER busy AFTER INSERT ON t WHEN new.a IS NOT ';' BEGIN
         -- end; it's a comment
         INSERT INTO log VALUES ('END; '';' || CASE WHEN new.a THEN 'x' END); /* ; END; */
         UPDATE t SET a = "a" WHERE 0;
       END`,
      "CREATE TRIGGER refusing BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no; never') WHERE new.a = 5; END",
    ],
  },
  {
    title: "keeps names that hold quotes, line ends, comments, keywords and emoji",
    script: [
      `CREATE TABLE ${quoted(NASTY_NAME)}(${quoted(`${NASTY_NAME}1`)} TEXT, "select", "" INT, "'")`,
      `INSERT INTO ${quoted(NASTY_NAME)} VALUES ('x', 1, 2, 3)`,
      `CREATE INDEX ${quoted(`${NASTY_NAME}i`)} ON ${quoted(NASTY_NAME)}("", ${quoted(`${NASTY_NAME}1`)})`,
      `CREATE VIEW ${quoted(`${NASTY_NAME}v`)} AS SELECT * FROM ${quoted(NASTY_NAME)}`,
      'CREATE TABLE "page"(k TEXT PRIMARY KEY, r, k0) WITHOUT ROWID',
      `INSERT INTO "page" VALUES ('a', 1, 2), ('b', 3, 4)`,
      'CREATE TABLE "order"("group", "r" UNIQUE)',
      `INSERT INTO "order" VALUES ('x', 'y')`,
      'CREATE TABLE "trailing "(" ")',
      'CREATE TABLE "sqlite"(a)',
      'INSERT INTO "sqlite" VALUES (1)',
    ],
  },
  {
    title: "keeps line ends of two characters in names and schema texts",
    script: [
      `CREATE TABLE "two\r\nlines"(\r\n  "a\r\nb" TEXT DEFAULT 'x\r\ny'\r\n)`,
      `INSERT INTO "two\r\nlines" DEFAULT VALUES`,
      `CREATE VIEW v AS\r\nSELECT 'a\r\nb' AS x`,
    ],
    notByShell: true,
  },
  {
    title: "keeps tables named like this project's own, which are not",
    script: [
      "CREATE TABLE tmp_export_reports(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO tmp_export_reports VALUES (1, 'mine')",
      "CREATE TABLE tmp_export(a)",
      "INSERT INTO tmp_export VALUES (2)",
    ],
  },
  {
    title: "leaves statistics out, which PRAGMA optimize makes anew",
    script: ["CREATE TABLE t(a UNIQUE)", "INSERT INTO t VALUES (1), (2)", "ANALYZE"],
  },
  {
    title: "keeps FTS5 tables, their options and their search",
    script: [
      `CREATE VIRTUAL TABLE docs USING fts5(title, "the body", kind UNINDEXED, tokenize = 'porter unicode61', prefix='2 3')`,
      "INSERT INTO docs(rowid, title, \"the body\", kind) VALUES (-4, 'Running; it''s', 'jumps', 5), (90, 'walk', CAST(X'FF00' AS TEXT), X'00'), (91, NULL, 2.5, NULL)",
      "INSERT INTO docs(docs, rank) VALUES ('rank', 'bm25(10.0, 5.0)')",
      "INSERT INTO docs(docs, rank) VALUES ('automerge', 7)",
      'CREATE VIRTUAL TABLE trigrams USING fts5(x, tokenize="trigram", detail=none, columnsize=0)',
      "INSERT INTO trigrams VALUES ('abcdef')",
      "CREATE VIRTUAL TABLE words USING fts5vocab(docs, 'row')",
    ],
    queries: [
      "SELECT rowid, rank FROM docs WHERE docs MATCH 'run' ORDER BY rank",
      "SELECT rowid FROM docs WHERE docs MATCH 'ju*'",
      "SELECT rowid FROM trigrams WHERE trigrams MATCH 'bcd'",
      "SELECT * FROM words",
    ],
  },
  {
    title: "rebuilds FTS5 tables over external content, a view's too",
    script: [
      "CREATE TABLE posts(id INTEGER PRIMARY KEY, title, body)",
      "INSERT INTO posts VALUES (3, 'hello world', 'x'), (9, 'goodbye', 'hello')",
      "CREATE VIRTUAL TABLE search USING fts5(title, body, content='posts', content_rowid='id')",
      "INSERT INTO search(search) VALUES ('rebuild')",
      "INSERT INTO search(search, rank) VALUES ('rank', 'bm25(2.0)')",
      "CREATE VIEW upper_posts AS SELECT id, upper(title) AS title FROM posts",
      "CREATE VIRTUAL TABLE view_search USING fts5(title, cont = upper_posts, content_rowid=id)",
      "INSERT INTO view_search(view_search) VALUES ('rebuild')",
      "CREATE TRIGGER posts_ai AFTER INSERT ON posts BEGIN INSERT INTO search(rowid, title, body) VALUES (new.id, new.title, new.body); END",
    ],
    queries: [
      "SELECT rowid, rank FROM search WHERE search MATCH 'hello' ORDER BY rowid",
      "SELECT rowid FROM view_search WHERE view_search MATCH 'world'",
    ],
  },
  {
    title: "keeps the content of an FTS5 table that is named like a shadow table",
    script: [
      "CREATE TABLE docs_content(id INTEGER PRIMARY KEY, body TEXT)",
      "INSERT INTO docs_content VALUES (1, 'hello'), (7, 'world')",
      "CREATE INDEX docs_body ON docs_content(body)",
      "CREATE VIRTUAL TABLE docs USING fts5(body, content='docs_content', content_rowid='id')",
      "INSERT INTO docs(docs) VALUES ('rebuild')",
      "CREATE TABLE blind_content(a)",
      "INSERT INTO blind_content VALUES (1)",
      "CREATE VIRTUAL TABLE blind USING fts5(body, content='')",
      "CREATE TABLE small_docsize(a)",
      "INSERT INTO small_docsize VALUES (1)",
      "CREATE VIRTUAL TABLE small USING fts5(body, columnsize=0)",
      "INSERT INTO small VALUES ('words')",
    ],
    queries: [
      "SELECT rowid FROM docs WHERE docs MATCH 'world'",
      "SELECT * FROM docs_content",
      "SELECT * FROM blind_content",
      "SELECT * FROM small_docsize",
    ],
    warning: /^FTS5 table "blind" keeps no content: it is restored empty$/,
  },
  {
    title: "restores contentless FTS5 tables empty, with a warning",
    script: [
      "CREATE VIRTUAL TABLE blind USING fts5(body, content='')",
      "INSERT INTO blind(rowid, body) VALUES (1, 'words')",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES (1)",
    ],
    warning: /"blind" keeps no content/,
  },
  {
    title: "leaves an FTS5 index empty whose content table is gone, with a warning",
    script: [
      "CREATE TABLE gone(id INTEGER PRIMARY KEY, title)",
      "INSERT INTO gone VALUES (1, 'hello')",
      "CREATE VIRTUAL TABLE search USING fts5(title, content='gone', content_rowid='id')",
      "INSERT INTO search(search) VALUES ('rebuild')",
      "DROP TABLE gone",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES (1)",
    ],
    warning: /"search" keeps no content/,
  },
  {
    title: "keeps R-Trees with their coordinates and auxiliary columns",
    script: [
      'CREATE VIRTUAL TABLE boxes USING rtree(id, "min x", "max x", y0, y1, +name, +data)',
      "INSERT INTO boxes VALUES (1, 0.1, 0.2, -1e10, 1e10, 'it''s', X'00FF'), (-9, 1, 2, 3, 4, CAST(X'610062' AS TEXT), 9007199254740993)",
      "CREATE VIRTUAL TABLE cells USING rtree_i32(id, x0, x1)",
      "INSERT INTO cells VALUES (5, -2147483648, 2147483647)",
    ],
    queries: ['SELECT id FROM boxes WHERE "min x" > 0.5'],
  },
  {
    title: "leaves out virtual tables that it cannot dump, with a warning that names them",
    script: [
      "CREATE VIRTUAL TABLE old USING fts4(body)",
      "INSERT INTO old VALUES ('words')",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES (1)",
    ],
    warning: /"old" is left out/,
    nodeOnly: true,
  },
  {
    title: "keeps thousands of counted tables, none of them in a statement that is too long",
    script: [
      ...Array.from(
        { length: 1_500 },
        (_, n) =>
          `CREATE TABLE "a table with a name of its own that is rather long, which is number ${n}"(id INTEGER PRIMARY KEY AUTOINCREMENT)`,
      ),
      `INSERT INTO "a table with a name of its own that is rather long, which is number 7" VALUES (7)`,
    ],
  },
  ...NAME_TRAPS,
];
