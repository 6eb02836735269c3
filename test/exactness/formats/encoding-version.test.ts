import { createHash } from "node:crypto";
import { expect, test } from "vitest";

import { ENCODING_VERSION } from "../../../src/formats/plan-digest.ts";
import { VERSION } from "../../../src/api/version.ts";
import { exportDatabase } from "../../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../support/node-sqlite-source.ts";

/** Values and shapes that each encoder writes in a way of its own. */
const SCRIPT = `
  CREATE TABLE plain(id INTEGER PRIMARY KEY AUTOINCREMENT, a, t TEXT, r REAL, b BLOB, n NUMERIC);
  INSERT INTO plain VALUES
    (1, 9007199254740993, 'it''s "so", \\n', 0.1, X'00ff', NULL),
    (2, -1, 'a' || char(13, 10) || 'b' || char(10), 1.0, X'', 1e300),
    (7, 'x', 'nul' || char(0) || 'after', -26.819604, zeroblob(3), 9e999),
    (8, NULL, CAST(X'fffe41' AS TEXT), -9e999, NULL, 1.5),
    (9, 2.0, '', 123456789.125, X'62', '');
  CREATE TABLE keyed(k TEXT COLLATE NOCASE, n INTEGER, v, PRIMARY KEY (k, n DESC)) WITHOUT ROWID;
  INSERT INTO keyed VALUES ('b', 1, 'x'), ('A', 2, 1.5), ('A', 1, NULL);
  CREATE TABLE loose(a, "b c" AS (a || '!') STORED);
  INSERT INTO loose(rowid, a) VALUES (3, 'x'), (5, 'y');
  CREATE TABLE child(id INTEGER PRIMARY KEY, of REFERENCES plain(id));
  INSERT INTO child VALUES (1, 2);
  CREATE INDEX by_r ON plain(r DESC);
  CREATE UNIQUE INDEX by_a ON loose(a);
  CREATE VIEW seen AS SELECT k FROM keyed;
  CREATE TRIGGER on_child AFTER INSERT ON child BEGIN SELECT 1; END;
  CREATE VIRTUAL TABLE texts USING fts5(body);
  INSERT INTO texts VALUES ('one two'), ('three');
`;

/** Digits of the SHA-256 of all files of each format, without the package's version in their headers. */
const WRITTEN = {
  version: 1,
  csv: "9008120a7c2cc58b",
  json: "133682d920f90122",
  ndjson: "cfed0997acbe27c4",
  parquet: "2e4957ad448cad90",
  sql: "fb8a7b013a43be6d",
};

test("writes the bytes of its encoding's version", async () => {
  const db = openPlatformDatabase();
  db.exec(SCRIPT);
  const written: Record<string, string> = {};
  for (const format of ["sql", "csv", "json", "ndjson", "parquet"] as const) {
    const { files } = await exportDatabase(nodeSqliteSource(db), undefined, { format });
    const hash = createHash("sha256");
    for (const { name, bytes } of files) {
      hash.update(name).update(Buffer.from(bytes).toString("latin1").replace(VERSION, ""));
    }
    written[format] = hash.digest("hex").slice(0, 16);
  }
  const words =
    "other bytes for the same rows: add one to ENCODING_VERSION, and keep the new hashes here";
  expect({ version: ENCODING_VERSION, ...written }, words).toEqual(WRITTEN);
});
