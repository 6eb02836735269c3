import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

import { ACTIVE, ENDED, FILELESS, RETAINED } from "../../src/jobs/tables/state-sql.ts";
import { withoutOwnObjects } from "../../src/sqlite/own-objects.ts";
import { handWrittenStates, misplacedParsing, misplacedTables } from "./jobs-sql.ts";

const ROOT = join(import.meta.dirname, "../..");

test("SQL for a table of the jobs database stands in the file that owns the table", () => {
  expect(misplacedTables(ROOT)).toEqual([]);
});

test("SQL takes the states of a job from the table of moves", () => {
  expect(handWrittenStates(ROOT)).toEqual([]);
});

test("JSON of a column is parsed in its table's file only", () => {
  expect(misplacedParsing(ROOT)).toEqual([]);
});

const planted = mkdtempSync(join(tmpdir(), "jobs-sql-"));
cpSync(join(ROOT, "src"), join(planted, "src"), { recursive: true });
afterAll(() => rmSync(planted, { recursive: true }));

test.each([
  ["a query", 'sql.exec("SELECT * FROM tmp_export_jobs")', "tmp_export_jobs"],
  ["a name that is completed", "`DELETE FROM tmp_export_job_${table}`", "tmp_export_job_"],
  [
    "another table's query",
    "`UPDATE tmp_export_job_chunks SET bytes = 0`",
    "tmp_export_job_chunks",
  ],
  ["a stream's query", "`DELETE FROM tmp_export_streams`", "tmp_export_streams"],
  ["an upload's query", "`DELETE FROM tmp_export_file_parts`", "tmp_export_file_parts"],
])("%s in another table's file, a command or another room is found", (_, line, name) => {
  for (const folder of ["jobs/tables", "jobs/commands", "jobs", "workflows", "storage/inline"]) {
    const file = `src/${folder}/planted.ts`;
    writeFileSync(join(planted, file), `export const text = ${line};\n`);
    const found = misplacedTables(planted);
    rmSync(join(planted, file));
    expect(found).toEqual([expect.stringContaining(`${file} names ${name}:`)]);
  }
});

test.each([
  [handWrittenStates, "export const text = \"state = 'running'\";"],
  [misplacedParsing, "export const request = JSON.parse(job.request_json);"],
])("%o finds a planted line", (check, line) => {
  const file = "src/jobs/commands/planted.ts";
  writeFileSync(join(planted, file), `${line}\n`);
  const found = check(planted);
  rmSync(join(planted, file));
  expect(found).toEqual([expect.stringContaining(file)]);
});

test("a comment may name a table", () => {
  const file = join(planted, "src/jobs/commands/planted.ts");
  writeFileSync(file, "/** Rows of `tmp_export_jobs`. */\n// See tmp_export_streams.\n");
  const found = misplacedTables(planted);
  rmSync(file);
  expect(found).toEqual([]);
});

test("the conditions on a job's state name each state as the table of moves has it", () => {
  expect({ ACTIVE, ENDED, RETAINED, FILELESS }).toEqual({
    ACTIVE: "state IN ('queued', 'running')",
    ENDED: "state IN ('completed', 'failed', 'cancelled', 'expired')",
    RETAINED: "state IN ('completed')",
    FILELESS: "state IN ('failed', 'cancelled', 'expired')",
  });
});

test("every table of the jobs database is known as one that no dump contains", () => {
  const migrations = ["migrations.ts", "migrate.ts"]
    .map((name) => readFileSync(join(ROOT, "src/jobs", name), "utf8"))
    .join("\n");
  const objects = [
    ...migrations.matchAll(/(CREATE TABLE (?:IF NOT EXISTS )?(tmp_export_\w+)[^`;]*)/g),
  ].map(([, sql = "", name = ""]) => ({
    type: "table",
    name,
    tableName: name,
    sql: sql.replace("IF NOT EXISTS ", ""),
  }));
  expect(objects.length).toBeGreaterThan(10);
  expect(withoutOwnObjects(objects).map(({ name }) => name)).toEqual([]);
});

test("the index of active jobs has the same condition, without which SQLite does not use it", () => {
  const migrations = readFileSync(join(ROOT, "src/jobs/migrations.ts"), "utf8");
  expect(migrations).toContain(`ON tmp_export_jobs(database_key)\n     WHERE ${ACTIVE}`);
});
