import type { DatabaseSync } from "node:sqlite";

/** One kind of database to measure; `bytes` is about the size of its SQL dump. */
export interface Dataset {
  name: string;
  fill: (db: DatabaseSync, bytes: number) => void;
  /** True if it takes long even with few rows, so that a short bench leaves it out. */
  isSlow?: true;
}

/** Rows from `from` to `to`, inclusive, as a table-valued SELECT of `i`. */
function numbers(to: number): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${to})`;
}

/** A number from 0 to 2^31 that looks random and is the same in every run. */
const SCRAMBLED = "((i * 2654435761) & 2147483647)";

/** The data of an ordinary application: a key, text, a number, a flag, a time. */
function fillMixed(db: DatabaseSync, bytes: number, table = "orders"): void {
  db.exec(`CREATE TABLE ${table}(id INTEGER PRIMARY KEY, customer TEXT, total REAL, paid INTEGER, at TEXT, note TEXT);
    ${numbers(Math.max(1, Math.round(bytes / 137)))}
    INSERT INTO ${table} SELECT i, 'customer ' || (${SCRAMBLED} % 100000), ${SCRAMBLED} / 1000.0, i % 2,
      datetime(1700000000 + i, 'unixepoch'), CASE WHEN i % 5 = 0 THEN NULL ELSE
      'It''s note ' || i || ', as long as a note tends to be: ' || hex(i * 7919) END FROM n`);
}

export const DATASETS: readonly Dataset[] = [
  { name: "mixed", fill: fillMixed },
  {
    name: "integers",
    fill: (db, bytes) =>
      db.exec(`CREATE TABLE points(a INTEGER PRIMARY KEY, b INTEGER, c INTEGER, d INTEGER);
        ${numbers(Math.round(bytes / 38))}
        INSERT INTO points SELECT i, ${SCRAMBLED}, i % 1000, ${SCRAMBLED} - 1000000000 FROM n`),
  },
  {
    name: "text",
    fill: (db, bytes) =>
      db.exec(`CREATE TABLE pages(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
        ${numbers(Math.round(bytes / 4_150))}
        INSERT INTO pages SELECT i, 'Page ' || i,
          replace(hex(zeroblob(1000)), '00', 'wörd') || i FROM n`),
  },
  {
    name: "blobs",
    fill: (db, bytes) =>
      db.exec(`CREATE TABLE files(id INTEGER PRIMARY KEY, content BLOB);
        ${numbers(Math.round(bytes / 20_030))}
        INSERT INTO files SELECT i, randomblob(10000) FROM n`),
  },
  { name: "500 tables", fill: fillTables(500) },
  { name: "3000 tables", fill: fillTables(3_000), isSlow: true },
];

function fillTables(count: number): Dataset["fill"] {
  return (db, bytes) => {
    for (let table = 1; table <= count; table += 1) fillMixed(db, bytes / count, `orders_${table}`);
  };
}
