import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

import { findFormat, FORMAT_NAMES, FORMATS } from "../../../src/api/formats.ts";
import { exportDatabase } from "../../support/dump-database.ts";
import { nodeSqliteSource } from "../../support/node-sqlite-source.ts";

function makeDatabase(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE a(x INTEGER); CREATE TABLE b(y TEXT); INSERT INTO a VALUES (1)");
  return database;
}

function listTables(database: DatabaseSync): unknown[] {
  return database.prepare("SELECT name FROM sqlite_schema ORDER BY name").all();
}

test.each(FORMAT_NAMES)("the traits of %s describe its files", async (format) => {
  const { hasFilePerTable, hasSchema, isSqlScript } = FORMATS[format];
  const { files } = await exportDatabase(nodeSqliteSource(makeDatabase()), undefined, { format });
  expect(files).toHaveLength(hasFilePerTable ? 2 : 1);
  if (hasFilePerTable) expect(files.map(({ table }) => table)).toEqual(["a", "b"]);
  const text = files.map(({ bytes }) => Buffer.from(bytes).toString("utf8")).join("");
  expect(text.includes("CREATE TABLE")).toBe(hasSchema);
  const restored = new DatabaseSync(":memory:");
  const load = (): void => restored.exec(text);
  if (!isSqlScript) expect(load).toThrow();
  else {
    load();
    expect(listTables(restored)).toEqual(listTables(makeDatabase()));
  }
});

test("no format has the name of a property that every object has", () => {
  expect(findFormat("constructor")).toBeUndefined();
  expect(findFormat("xlsx")).toBeUndefined();
  expect(findFormat("sql")).toBe(FORMATS.sql);
});
