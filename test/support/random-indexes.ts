/** The parts of an FTS5 table over a random table; names are quoted. */
interface RandomIndex {
  name: string;
  /** A table with a unique column `id`. */
  table: string;
  column: string;
  /** More options of FTS5, each after a comma. */
  options: string;
  /** A name that the database does not have, not quoted. */
  unused: string;
  /** Chooses the shape. */
  choice: number;
}

/**
 * SQL of an FTS5 table over external content: whole, with rows left out, never filled, with options,
 * over a view, or over content that lacks what the index reads.
 */
export function randomIndexScript(index: RandomIndex): string[] {
  const { name, table, column, options, unused, choice } = index;
  const create = (columns: string, content: string, rowid: string): string =>
    `CREATE VIRTUAL TABLE ${name} USING fts5(${columns}, content=${content}, content_rowid='${rowid}'${options})`;
  const rebuild = `INSERT INTO ${name}(${name}) VALUES ('rebuild')`;
  const insert = (condition: string): string =>
    `INSERT INTO ${name}(rowid, ${column}) SELECT id, ${column} FROM ${table} WHERE ${condition}`;
  // Without sizes, no reader can know which rows an index has.
  const some = options.includes("columnsize=0") ? rebuild : insert("id % 3 <> 0");
  const view = `"${unused.replaceAll('"', '""')} view"`;
  const shapes: string[][] = [
    [create(column, table, "id"), rebuild],
    [create(column, table, "id"), some],
    [
      create(column, table, "id"),
      rebuild,
      `INSERT INTO ${name}(${name}, rank) VALUES ('pgsz', 64)`,
    ],
    options.includes("columnsize=0") ? [] : [create(column, table, "id")],
    [create(`${column}, "tags of nothing"`, table, "id"), insert("1")],
    [create(column, table, "no such id"), insert("1")],
    [`CREATE VIEW ${view} AS SELECT id, ${column} FROM ${table}`, create(column, view, "id"), some],
    [`CREATE VIEW ${view} AS SELECT id, ${column} FROM "nothing"`, create(column, view, "id")],
  ];
  return shapes[choice % shapes.length] as string[];
}
