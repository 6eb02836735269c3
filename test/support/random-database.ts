import type { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { type NamesakeShape, namesakesArbitrary, namesakeScript } from "./random-namesakes.ts";
import { randomIndexScript } from "./random-indexes.ts";
import { loadingArbitrary, loadingScript, type LoadingShape } from "./random-loading.ts";
import { nameArbitrary, type RandomValue, valueArbitrary } from "./random-values.ts";

const TYPES = [
  "",
  "INTEGER",
  "INT",
  "TEXT",
  "VARCHAR(10)",
  "BLOB",
  "REAL",
  "DOUBLE PRECISION",
  "NUMERIC",
  "DECIMAL(10,5)",
  "BOOLEAN",
  "DATETIME",
  "ANY",
  "nonsense type",
];
const STRICT_TYPES = ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"];
const COLLATIONS = ["", " COLLATE BINARY", " COLLATE NOCASE", " COLLATE RTRIM"];
const DEFAULTS = [
  "",
  "",
  "",
  " DEFAULT 5",
  " DEFAULT 'it''s'",
  " DEFAULT (1+1)",
  " DEFAULT -1.5",
  " DEFAULT NULL",
];
const CHECKS = [
  "",
  "",
  "",
  "",
  " CHECK (%c IS NULL OR typeof(%c) <> 'nothing')",
  " CHECK (length(%c) >= 0 OR %c IS NULL)",
];

/** Numbers in these shapes are taken modulo the number of choices, so that all shrink freely. */
interface ColumnShape {
  name: string;
  type: number;
  collation: number;
  default: number;
  check: number;
  notNull: boolean;
  unique: boolean;
}

interface KeyTerm {
  column: number;
  collation: number;
  descending: boolean;
}

interface IndexShape {
  name: string;
  unique: boolean;
  terms: KeyTerm[];
  expression: boolean;
  partial: boolean;
}

interface TableShape {
  name: string;
  form:
    | "plain"
    | "integer key"
    | "integer key descending"
    | "autoincrement"
    | "key"
    | "without rowid";
  strict: boolean;
  columns: ColumnShape[];
  /** Columns added so that a wide table does not need a hundred shapes. */
  padding: number;
  /** How much longer than usual their names are. */
  paddingNameBytes: number;
  hiddenRowids: number;
  key: KeyTerm[];
  generated: { name: string; stored: boolean; first: boolean; expression: number }[];
  references: { table: number; name: string; deferred: boolean; oldest: boolean }[];
  rows: { rowid: bigint | null; values: RandomValue[] }[];
  /** Rows made by a recursive query: enough for several pages. */
  repeated: number;
  deleted: boolean;
  sequence: string | null;
  addedColumn: boolean;
  indexes: IndexShape[];
}

const columnArbitrary: fc.Arbitrary<ColumnShape> = fc.record({
  name: nameArbitrary,
  type: fc.nat(99),
  collation: fc.nat(99),
  default: fc.nat(99),
  check: fc.nat(99),
  notNull: fc.boolean(),
  unique: fc.boolean(),
});

const keyTermArbitrary: fc.Arbitrary<KeyTerm> = fc.record({
  column: fc.nat(99),
  collation: fc.nat(3),
  descending: fc.boolean(),
});

const indexArbitrary: fc.Arbitrary<IndexShape> = fc.record({
  name: nameArbitrary,
  unique: fc.boolean(),
  terms: fc.array(keyTermArbitrary, { minLength: 1, maxLength: 3 }),
  expression: fc.boolean(),
  partial: fc.boolean(),
});

const tableArbitrary: fc.Arbitrary<TableShape> = fc.record({
  name: nameArbitrary,
  form: fc.constantFrom(
    "plain",
    "integer key",
    "integer key descending",
    "autoincrement",
    "key",
    "without rowid",
  ),
  strict: fc.boolean(),
  columns: fc.array(columnArbitrary, { minLength: 1, maxLength: 5 }),
  padding: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(97) }),
  paddingNameBytes: fc.constantFrom(0, 0, 0, 0, 200, 450),
  hiddenRowids: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 7 }) },
  ),
  key: fc.array(keyTermArbitrary, { minLength: 1, maxLength: 4 }),
  generated: fc.array(
    fc.record({
      name: nameArbitrary,
      stored: fc.boolean(),
      first: fc.boolean(),
      expression: fc.nat(9),
    }),
    { maxLength: 2 },
  ),
  references: fc.array(
    fc.record({
      table: fc.nat(9),
      name: nameArbitrary,
      deferred: fc.boolean(),
      oldest: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  rows: fc.array(
    fc.record({
      rowid: fc.oneof(
        { weight: 3, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.bigInt({ min: -50n, max: 500n }) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, -1n, 0n, 2n ** 53n + 1n),
        },
      ),
      values: fc.array(valueArbitrary, { minLength: 1, maxLength: 6 }),
    }),
    { maxLength: 14 },
  ),
  repeated: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 700 }) },
  ),
  deleted: fc.nat(9).map((n) => n === 9),
  sequence: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("0", "-7", "9223372036854775807", "NULL", "'abc'", "1.5", "1000"),
    },
  ),
  addedColumn: fc.nat(9).map((n) => n > 7),
  indexes: fc.array(indexArbitrary, { maxLength: 2 }),
});

interface OtherShape {
  kind: "fts5" | "external fts5" | "contentless fts5" | "rtree" | "view" | "trigger" | "instead of";
  name: string;
  on: number;
  option: number;
  values: RandomValue[];
}

const otherArbitrary: fc.Arbitrary<OtherShape> = fc.record({
  kind: fc.constantFrom(
    "fts5",
    "external fts5",
    "contentless fts5",
    "rtree",
    "view",
    "view",
    "trigger",
    "trigger",
    "instead of",
  ),
  name: nameArbitrary,
  on: fc.nat(9),
  option: fc.nat(99),
  values: fc.array(valueArbitrary, { minLength: 1, maxLength: 8 }),
});

/** A database's shape; `scriptOf` returns it as SQL. */
export interface RandomDatabase {
  tables: TableShape[];
  others: OtherShape[];
  namesakes: NamesakeShape[];
  analyzed: boolean;
  loading: LoadingShape;
}

/** Legal databases of every kind that DESIGN's section on exact bytes names. */
export const databaseArbitrary: fc.Arbitrary<RandomDatabase> = fc.record({
  tables: fc.array(tableArbitrary, { minLength: 1, maxLength: 4 }),
  others: fc.array(otherArbitrary, { maxLength: 4 }),
  namesakes: namesakesArbitrary,
  analyzed: fc.boolean(),
  loading: loadingArbitrary,
});

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Returns names that SQLite considers different from all other names of their kind. */
class Names {
  readonly #taken = new Set<string>();

  take(name: string): string {
    for (let n = 0; ; n += 1) {
      const candidate = n === 0 ? name : `${name}${n}`;
      const folded = candidate.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
      if (!this.#taken.has(folded)) {
        this.#taken.add(folded);
        return candidate;
      }
    }
  }
}

function pick<T>(from: readonly T[], at: number): T {
  return from[at % from.length] as T;
}

/** Everything about a table that its rows, indexes and references need. */
interface BuiltTable {
  name: string;
  columns: { name: string; type: string }[];
  /** A column by which others can refer to it. */
  parentKey?: string;
  /** Columns that refer to a table's `id`; not among `columns`, so that they start as NULL. */
  references: { column: string; parent: string; oldest: boolean }[];
}

/**
 * SQL that builds the database, one statement at a time. Statements may fail, because a shape knows
 * nothing about UNIQUE or CHECK: those that do are left out (see `buildDatabase`). Rows violate a
 * CHECK, and foreign keys reference columns that are not a key, only if `breaksRules`.
 */
export function scriptOf(database: RandomDatabase, { breaksRules = false } = {}): string[] {
  const objects = new Names();
  const script: string[] = [];
  const names = database.tables.map((table) => objects.take(table.name));
  const built: BuiltTable[] = [];
  const filling: string[] = [];
  for (const [at, shape] of database.tables.entries()) {
    const table = tableScript(shape, names[at] as string, names, database.tables);
    script.push(table.create);
    filling.push(...table.fill);
    built.push(table.built);
  }
  script.push(...filling);
  for (const [at, shape] of database.tables.entries()) {
    const table = built[at] as BuiltTable;
    for (const index of shape.indexes) script.push(indexSql(index, table, objects));
    script.push(...updateScript(shape, table));
  }
  const views: string[] = [];
  for (const shape of database.others) {
    script.push(...otherScript(shape, objects, built, views));
  }
  script.push(...namesakeScript(database.namesakes));
  script.push(...loadingScript(database.loading, breaksRules));
  if (database.analyzed) script.push("ANALYZE");
  return script;
}

function parentKeyOf(shape: TableShape): string | undefined {
  return shape.form === "integer key" || shape.form === "autoincrement" ? "id" : undefined;
}

function tableScript(
  shape: TableShape,
  name: string,
  names: string[],
  shapes: TableShape[],
): { create: string; fill: string[]; built: BuiltTable } {
  const columnNames = new Names();
  const definitions: string[] = [];
  const stored: { name: string; type: string }[] = [];
  const parentKey = parentKeyOf(shape);
  const types = shape.strict ? STRICT_TYPES : TYPES;
  const add = (column: string, type: string, definition: string): void => {
    stored.push({ name: column, type });
    definitions.push(`${quoted(column)} ${type}${definition}`);
  };
  if (parentKey !== undefined) {
    const autoincrement = shape.form === "autoincrement" ? " AUTOINCREMENT" : "";
    add(columnNames.take("id"), "INTEGER", ` PRIMARY KEY${autoincrement}`);
  }
  if (shape.form === "integer key descending") {
    add(columnNames.take("id"), "INTEGER", " PRIMARY KEY DESC");
  }
  for (const [bit, hidden] of ["rowid", "_rowid_", "oid"].entries()) {
    if ((shape.hiddenRowids & (1 << bit)) !== 0) add(columnNames.take(hidden), "ANY", "");
  }
  for (const column of shape.columns) {
    const type = pick(types, column.type);
    const columnName = columnNames.take(column.name);
    const check = pick(CHECKS, column.check).replaceAll("%c", () => quoted(columnName));
    const unique = column.unique && column.check % 3 === 0 ? " UNIQUE" : "";
    const notNull = column.notNull && column.check % 2 === 0 ? " NOT NULL" : "";
    const collation = pick(COLLATIONS, column.collation);
    add(
      columnName,
      type,
      `${pick(DEFAULTS, column.default)}${notNull}${unique}${check}${collation}`,
    );
  }
  for (let n = 0; n < shape.padding && definitions.length < 95; n += 1) {
    const name = `padding ${"x".repeat(shape.paddingNameBytes)}${n}`;
    add(columnNames.take(name), pick(types, n), "");
  }
  const constraints: string[] = [];
  const references: BuiltTable["references"] = [];
  for (const reference of shape.references) {
    const at = reference.table % shapes.length;
    const key = parentKeyOf(shapes[at] as TableShape);
    if (key === undefined) continue;
    const column = columnNames.take(reference.name);
    const parent = names[at] as string;
    references.push({ column, parent, oldest: reference.oldest });
    definitions.push(`${quoted(column)} INTEGER`);
    const deferred = reference.deferred ? " DEFERRABLE INITIALLY DEFERRED" : "";
    constraints.push(
      `FOREIGN KEY (${quoted(column)}) REFERENCES ${quoted(parent)}(${quoted(key)}) ON DELETE SET NULL${deferred}`,
    );
  }
  if (shape.form === "key" || shape.form === "without rowid") {
    const terms = shape.key.map((term) => termSql(term, stored));
    constraints.unshift(`PRIMARY KEY (${[...new Set(terms)].join(", ")})`);
  }
  for (const generated of shape.generated) {
    const of = quoted(pick(stored, generated.expression).name);
    const expression = pick(
      [`${of} || 'x'`, `typeof(${of})`, `length(${of})`, `coalesce(${of}, -1)`, `hex(${of})`],
      generated.expression,
    );
    const type = shape.strict ? " ANY" : "";
    const definition = `${quoted(columnNames.take(generated.name))}${type} AS (${expression}) ${generated.stored ? "STORED" : "VIRTUAL"}`;
    if (generated.first) definitions.unshift(definition);
    else definitions.push(definition);
  }
  const options = [
    ...(shape.strict ? ["STRICT"] : []),
    ...(shape.form === "without rowid" ? ["WITHOUT ROWID"] : []),
  ];
  const create = `CREATE TABLE ${quoted(name)} (${[...definitions, ...constraints].join(", ")}) ${options.join(", ")}`;
  const built: BuiltTable = { name, columns: stored, references };
  if (parentKey !== undefined) built.parentKey = parentKey;
  return { create, fill: rowScript(shape, built), built };
}

function termSql(term: KeyTerm, columns: { name: string }[]): string {
  const column = pick(columns, term.column);
  return `${quoted(column.name)}${pick(COLLATIONS, term.collation)}${term.descending ? " DESC" : ""}`;
}

/** The INSERTs of a table. References stay NULL until all tables have their rows. */
function rowScript(shape: TableShape, table: BuiltTable): string[] {
  const { columns } = table;
  const rowid = freeRowid(shape);
  const script: string[] = [];
  const target = (names: string[]): string =>
    `INSERT OR IGNORE INTO ${quoted(table.name)}(${names.join(", ")})`;
  for (const row of shape.rows) {
    const values = columns.map((column, at) => valueFor(shape, column, pick(row.values, at)));
    const list = columns.map((column) => quoted(column.name));
    if (table.parentKey !== undefined) values[0] = row.rowid === null ? "NULL" : String(row.rowid);
    else if (row.rowid !== null && rowid !== undefined) {
      list.unshift(rowid);
      values.unshift(String(row.rowid));
    }
    script.push(`${target(list)} VALUES (${values.join(", ")})`);
  }
  if (shape.repeated > 0) {
    const values = columns.map((column, at) =>
      at === 0 && table.parentKey !== undefined
        ? "NULL"
        : valueFor(shape, column, { kind: "text", sql: `'${at} ' || n || ' it''s'` }),
    );
    script.push(
      `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${shape.repeated}) ` +
        `${target(columns.map((column) => quoted(column.name)))} SELECT ${values.join(", ")} FROM c`,
    );
  }
  return script;
}

/** A name of the rowid that no column of the shape hides, if there is a rowid. */
function freeRowid(shape: TableShape): string | undefined {
  if (shape.form === "without rowid") return undefined;
  const columns = new Set(shape.columns.map((column) => column.name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find(
    (name, bit) => (shape.hiddenRowids & (1 << bit)) === 0 && !columns.has(name),
  );
}

/** `value`, converted if a STRICT column would refuse it. */
function valueFor(shape: TableShape, column: { type: string }, value: RandomValue): string {
  if (!shape.strict || value.kind === "null" || column.type === "ANY") return value.sql;
  const type = column.type === "INT" ? "INTEGER" : column.type;
  return `CAST(${value.sql} AS ${type})`;
}

/** What happens to a table after its rows exist: references, deletions, counters, new columns. */
function updateScript(shape: TableShape, table: BuiltTable): string[] {
  const script: string[] = [];
  for (const { column, parent, oldest } of table.references) {
    const id = `(SELECT ${oldest ? "min" : "max"}(id) FROM ${quoted(parent)})`;
    script.push(`UPDATE OR IGNORE ${quoted(table.name)} SET ${quoted(column)} = ${id}`);
  }
  if (shape.deleted) script.push(`DELETE FROM ${quoted(table.name)}`);
  if (shape.addedColumn) {
    const type = shape.strict ? "ANY" : "REAL";
    script.push(`ALTER TABLE ${quoted(table.name)} ADD COLUMN "added later" ${type} DEFAULT 5`);
  }
  if (shape.form === "autoincrement" && shape.sequence !== null) {
    const name = `'${table.name.replaceAll("'", "''")}'`;
    script.push(
      shape.sequence === "1000"
        ? `DELETE FROM sqlite_sequence WHERE name = ${name}`
        : `UPDATE sqlite_sequence SET seq = ${shape.sequence} WHERE name = ${name}`,
    );
  }
  return script;
}

function indexSql(index: IndexShape, table: BuiltTable, objects: Names): string {
  const terms = index.terms.map((term) => termSql(term, table.columns));
  const first = quoted(pick(table.columns, index.terms[0]?.column ?? 0).name);
  if (index.expression) terms.push(`length(${first}) DESC`, `lower(${first}) COLLATE NOCASE`);
  const where = index.partial ? ` WHERE ${first} IS NOT NULL AND ${first} <> ';''--'` : "";
  return `CREATE ${index.unique ? "UNIQUE " : ""}INDEX ${quoted(objects.take(index.name))} ON ${quoted(table.name)} (${terms.join(", ")})${where}`;
}

const FTS_OPTIONS = [
  "",
  ", tokenize = 'porter unicode61'",
  ", prefix='2 3'",
  ', tokenize="trigram"',
  ", columnsize=0",
  ", detail=column",
];

interface OtherContext {
  shape: OtherShape;
  /** The object's own name, quoted. */
  name: string;
  /** A table, and one of its columns, quoted. */
  on: BuiltTable;
  column: string;
  options: string;
  objects: Names;
  /** Names of the views so far, quoted. */
  views: string[];
}

function otherScript(
  shape: OtherShape,
  objects: Names,
  tables: BuiltTable[],
  views: string[],
): string[] {
  const on = pick(tables, shape.on);
  return OTHER_SCRIPTS[shape.kind]({
    shape,
    name: quoted(objects.take(shape.name)),
    on,
    column: quoted(pick(on.columns, shape.option).name),
    options: pick(FTS_OPTIONS, shape.option),
    objects,
    views,
  });
}

const OTHER_SCRIPTS: Record<OtherShape["kind"], (context: OtherContext) => string[]> = {
  fts5: ({ shape, name, options }) => [
    `CREATE VIRTUAL TABLE ${name} USING fts5(body, "the title" UNINDEXED${options})`,
    ...shape.values.map(
      (value, at) =>
        `INSERT INTO ${name}(rowid, body, "the title") VALUES (${at * 3 - 2}, ${value.sql}, ${value.sql})`,
    ),
    `INSERT INTO ${name}(${name}, rank) VALUES ('rank', 'bm25(10.0, 5.0)')`,
  ],
  "external fts5": ({ shape, name, on, column, options }) =>
    on.parentKey === undefined
      ? []
      : randomIndexScript({
          name,
          table: quoted(on.name),
          column,
          options,
          unused: shape.name,
          choice: shape.values.length,
        }),
  "contentless fts5": ({ name, options }) => [
    `CREATE VIRTUAL TABLE ${name} USING fts5(body, content=''${options})`,
    `INSERT INTO ${name}(rowid, body) VALUES (1, 'words')`,
  ],
  rtree: ({ shape, name }) => [
    `CREATE VIRTUAL TABLE ${name} USING rtree(id, "min x", "max x", +extra)`,
    ...shape.values.map(
      (value, at) =>
        `INSERT INTO ${name} VALUES (${at * 5 - 3}, ${at} - 0.1, ${at} + 1e10, ${value.sql})`,
    ),
  ],
  view: ({ shape, name, on, column, views }) => {
    const from = pick([...views, quoted(on.name)], shape.option);
    const missing = quoted(`${shape.name} of later`);
    views.push(name);
    const texts = [
      `CREATE VIEW ${name} AS SELECT * FROM ${quoted(on.name)} -- ; all of it\n WHERE 1`,
      `CREATE VIEW ${name}(x) AS SELECT ${column} FROM ${quoted(on.name)} /* ; */ WHERE ';' <> '''--'`,
      `CREATE VIEW ${name} AS SELECT * FROM ${from}`,
      `CREATE VIEW ${name} AS SELECT * FROM ${missing}`,
      `CREATE VIEW ${name} AS SELECT 1 AS x -- the end`,
    ];
    return [pick(texts, shape.option)];
  },
  trigger: ({ name, on, column }) => [
    `CREATE TRIGGER ${name} AFTER UPDATE OF ${column} ON ${quoted(on.name)} WHEN new.${column} IS NOT ';'\n` +
      `BEGIN -- ; comment ' with a quote\n` +
      ` SELECT CASE WHEN 1 THEN ';END;' END; /* END; */ SELECT 'it''s', "x;y" FROM (SELECT 1 AS "x;y");\nEND`,
  ],
  "instead of": ({ shape, name, column, on, objects }) => [
    `CREATE VIEW ${name} AS SELECT ${column} AS x FROM ${quoted(on.name)}`,
    `CREATE TRIGGER ${quoted(objects.take(`${shape.name} trigger`))} INSTEAD OF INSERT ON ${name} BEGIN SELECT new.x; END`,
  ],
};

/** Runs `script` and returns the statements that SQLite accepted. */
export function buildDatabase(db: DatabaseSync, script: readonly string[]): string[] {
  const accepted: string[] = [];
  for (const statement of script) {
    try {
      db.exec(statement);
      accepted.push(statement);
    } catch {
      // The shape violated a rule of the schema; the result is still a database.
      continue;
    }
  }
  return accepted;
}
