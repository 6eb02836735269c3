import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";

import { blocksOf } from "../support/doc-blocks.ts";
import { type DocPlace, makeDocPlace } from "../support/doc-place.ts";

const SECRET = "planted.secret@example.com";
const EXECUTE = "npx wrangler d1 execute shop --local --persist-to ../production --command";

let place: DocPlace;
/** The folder of the Worker that uses the database. */
let project: string;

/** The blocks of docs/recipes.md that no test has run yet. */
const left = blocksOf("docs/recipes.md").map(({ text }) => text);

/** Takes the block that starts with `start`. */
function take(start: string): string {
  const at = left.findIndex((text) => text.startsWith(start));
  expect(at, start).not.toBe(-1);
  return left.splice(at, 1)[0] ?? "";
}

const settings = take("export DURABLE_EXPORT_URL");

beforeAll(async () => {
  place = await makeDocPlace();
  project = join(place.checkout, "examples", "d1-backup");
  const table = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE)";
  const row = `INSERT INTO users(name, email) VALUES ('Ada', '${SECRET}')`;
  await place.run(`${EXECUTE} "${table}; ${row}"`, project);
  const dev = "npx wrangler dev --ip 127.0.0.1 --port 8787 --persist-to ../production";
  await place.start(`${dev} --var ADMIN_AUTHORIZATION_TOKEN:ABC123`, project, "8787");
}, 240_000);

afterAll(() => place.remove(), 60_000);

/** Runs a script in the project. There, npx would first link the checkout's command line, which takes long. */
function run(script: string): Promise<string> {
  const command = `node ${join(place.checkout, "dist/cli/durable-export.cjs")}`;
  return place.run(settings + script.replaceAll("npx durable-export", command), project);
}

test("docs/recipes.md makes a masked copy for development, and makes it again", async () => {
  await run(take("npx durable-export clone"));
  const look = take("npx wrangler d1 execute");
  const printed = await run(look);
  expect(printed).toContain("user-1@example.invalid");
  expect(printed).not.toContain(SECRET);
  await run(`${EXECUTE} "INSERT INTO users(name, email) VALUES ('Bob', 'b@example.com')"`);
  await run(take("npx durable-export clone"));
  expect(await run(look)).toContain("user-2@example.invalid");
}, 240_000);

test("docs/recipes.md makes an SQLite file", async () => {
  const printed = await run(take("npx durable-export dump"));
  expect(printed.trim()).toMatch(/^[12]$/m);
  const db = new DatabaseSync(join(project, "app.sqlite"), { readOnly: true });
  expect(db.prepare("SELECT email FROM users WHERE id = 1").all()).toMatchObject([
    { email: SECRET },
  ]);
  db.close();
});

test("docs/recipes.md reads a table with DuckDB", async () => {
  await run(take("npx durable-export dump --source main --table"));
  const query = take("SELECT id, name FROM 'tables/");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const result = await connection.runAndReadAll(query.replace("'tables/", `'${project}/tables/`));
  expect(result.getRows()[0]).toEqual([1n, "Ada"]);
  connection.closeSync();
});

test("docs/recipes.md has no other commands", () => {
  expect(left).toEqual([]);
});
