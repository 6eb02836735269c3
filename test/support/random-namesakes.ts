import * as fc from "fast-check";

/** Objects whose names or types are easily mistaken for something else. */
export interface NamesakeShape {
  kind: keyof typeof NAMESAKES;
  word: number;
  value: number;
}

const VALUES = [
  "1",
  "'text'",
  "9e999",
  "-9e999",
  "X'00ff'",
  "NULL",
  "-0.0",
  "2.5",
  "'\u0001\u001b'",
];

/** Letters that JavaScript folds to others, but SQLite does not. */
const TYPES = ["tex\u1e97", "\u0131nt", "in\u1e97", "\ufb02oat", "\u0131nteger"];

const RESERVED = [
  "tmp_export_snapshot",
  "tmp_export_snapshot_page",
  "tmp_export_snapshot_last",
  "tmp_export_snapshot_ends",
  "tmp_export_snapshot_0123456789abcdef_notes",
  "tmp_export_carrier",
  "tmp_export_jobs",
  "tmp_export_job_chunks",
  "tmp_export_streams",
  "tmp_export_stage",
  "__miniflare_x",
  "tmp_u",
  "tmp_r",
];

const CONTROLS = [
  "\t",
  "a\nb",
  "\r",
  "\u001b[31m",
  "\u0001",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u212a",
];

const pick = <T>(from: readonly T[], at: number): T => from[at % from.length] as T;
const q = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** By kind: statements that build it. Those that fail because a name is taken are left out. */
const NAMESAKES = {
  "dropped fts5": (word: string, value: string): string[] => [
    ...contentSql(`${word} gone`, value),
    `DROP TABLE ${q(`${word} gone`)}`,
  ],
  "fts5 over its own content": (word: string, value: string): string[] => [
    `CREATE TABLE ${q(`${word}_log`)}(a)`,
    ...contentSql(word, value),
    `CREATE INDEX ${q(`${word} late index`)} ON ${q(`${word}_content`)}(a)`,
    // If SQLite looked up the owner only by name, this one would hide it.
    `CREATE TRIGGER ${q(word)} AFTER INSERT ON ${q(`${word}_log`)} BEGIN SELECT 1; END`,
  ],
  "trigger named like an index and a table": (word: string, value: string): string[] => [
    `CREATE TABLE ${q(`${word} t`)}(id INTEGER PRIMARY KEY, a)`,
    `CREATE UNIQUE INDEX ${q(`${word} i`)} ON ${q(`${word} t`)}((a || id)) WHERE id > 0`,
    `INSERT INTO ${q(`${word} t`)} VALUES (1, ${value}), (2, 'b')`,
    ...["t", "i"].map(
      (end) =>
        `CREATE TRIGGER ${q(`${word} ${end}`)} AFTER DELETE ON ${q(`${word} t`)} BEGIN SELECT 1; END`,
    ),
  ],
  "odd type": (word: string, value: string): string[] => [
    ...TYPES.map((type) => `CREATE TABLE ${q(`${word} ${type}`)}(a ${q(type)})`),
    ...TYPES.map((type) => `INSERT INTO ${q(`${word} ${type}`)} VALUES (${value}), (9e999)`),
  ],
};

function contentSql(owner: string, value: string): string[] {
  const content = `${owner}_content`;
  return [
    `CREATE TABLE ${q(content)}(id INTEGER PRIMARY KEY, a)`,
    `INSERT INTO ${q(content)} VALUES (1, ${value}), (2, 'blue')`,
    `CREATE TRIGGER ${q(`${owner} early`)} AFTER INSERT ON ${q(content)} BEGIN SELECT 1; END`,
    `CREATE VIRTUAL TABLE ${q(owner)} USING fts5(a, content=${q(content)}, content_rowid='id')`,
    `INSERT INTO ${q(owner)}(${q(owner)}) VALUES ('rebuild')`,
  ];
}

const WORDS = [...RESERVED, ...CONTROLS, "posts", "it's"];

/** A few of them, for one database. */
export const namesakesArbitrary: fc.Arbitrary<NamesakeShape[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...(Object.keys(NAMESAKES) as (keyof typeof NAMESAKES)[])),
    word: fc.nat(99),
    value: fc.nat(99),
  }),
  { maxLength: 2 },
);

/** SQL that builds them, and in each a table with the name of every other one. */
export function namesakeScript(shapes: readonly NamesakeShape[]): string[] {
  return shapes.flatMap(({ kind, word, value }) => {
    const name = pick(WORDS, word);
    const sql = pick(VALUES, value);
    const ofOwnName = [
      `CREATE TABLE ${q(name)}(a TEXT PRIMARY KEY, b) WITHOUT ROWID`,
      `INSERT INTO ${q(name)} VALUES ('key', ${sql})`,
    ];
    return [...(value % 2 === 0 ? ofOwnName : []), ...NAMESAKES[kind](name, sql)];
  });
}
