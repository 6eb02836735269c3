import { constants } from "node:buffer";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { blocksOf, readPage } from "../support/doc-blocks.ts";

const root = join(import.meta.dirname, "../..");
const TOKEN = "restore-test-token";

/** The database of `POST /query`, and an empty one for each restore. */
const SOURCES = Object.fromEntries(
  ["main", "copy", "copy-1", "copy-2", "copy-3"].map((name) => [
    name,
    {
      type: "durable-object",
      binding: "DATABASE_DURABLE_OBJECT",
      name: name === "main" ? "sql-durable-object" : name,
      writable: name !== "main",
    },
  ]),
);

const SCRIPT = [
  "CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, note)",
  "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer REFERENCES customers(id), note BLOB)",
  "CREATE TRIGGER shout AFTER INSERT ON customers BEGIN UPDATE customers SET note = ';' WHERE id = 0; END",
  "INSERT INTO customers VALUES (9007199254740993, 'O''Hara', 1.0), (2, char(10) || 'x' || char(0), -9e999)",
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) " +
    "INSERT INTO orders SELECT i, 2, randomblob(20) FROM n",
];

let folder: string;
let worker: LocalWorker;
let source: DatabaseSync;

/** What the blocks of docs/restore.md start with; each has a test of its own. */
const STARTS = [
  "npx durable-export restore",
  "curl -X POST",
  "npx durable-export verify",
  "(echo",
  "npx wrangler d1 execute",
  "npx node examples/",
] as const;

const blocks = blocksOf("docs/restore.md")
  .filter(({ language }) => language === "sh")
  .map(({ text }) => text);

/** The commands of docs/restore.md that start with `start`, as one script. */
function commandsOf(start: (typeof STARTS)[number], count = 1): string {
  const found = blocks.filter((block) => block.startsWith(start));
  expect(found, start).toHaveLength(count);
  return found.join("\n");
}

function runInFolder(script: string): string {
  return execFileSync("bash", ["-euo", "pipefail", "-c", script], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`,
      DURABLE_EXPORT_URL: worker.url,
      DURABLE_EXPORT_TOKEN: TOKEN,
      WRANGLER_SEND_METRICS: "false",
    },
  });
}

/** Returns the id of the newest export, which has ended: the reader's `JOB_ID`. */
function newestJobId(): string {
  const list = `'${process.execPath}' '${root}/cli/main.ts' --json list --limit 1`;
  const { jobs } = JSON.parse(runInFolder(list)) as { jobs: { jobId: string; status: string }[] };
  expect(jobs).toMatchObject([{ status: "completed" }]);
  return jobs[0]?.jobId ?? "";
}

async function query(body: object): Promise<unknown> {
  const response = await fetch(`${worker.url}/query`, {
    method: "POST",
    // A command blocks this process for so long that the server closes an idle connection.
    headers: { authorization: `Bearer ${TOKEN}`, connection: "close" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  const { result } = await response.json<{ result: unknown }>();
  return result;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "restore-docs-"));
  worker = await startLocalWorker({
    persistTo: join(folder, "state"),
    vars: { ADMIN_AUTHORIZATION_TOKEN: TOKEN, EXPORT_SOURCES: JSON.stringify(SOURCES) },
  });
  for (const sql of SCRIPT) await query({ sql });
  runInFolder(`'${process.execPath}' '${root}/cli/main.ts' dump -q -o dump.sql`);
  source = new DatabaseSync(":memory:");
  source.exec(readFileSync(join(folder, "dump.sql"), "utf8"));
}, 120_000);

afterAll(async () => {
  await worker.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

test("docs/restore.md has no command but those that are run here", () => {
  const isRun = (block: string): boolean => STARTS.some((start) => block.startsWith(start));
  expect(blocks.filter((block) => !isRun(block))).toEqual([]);
});

test("docs/restore.md restores an export, a compressed script and an SQLite file by one command each", () => {
  const cli = `'${process.execPath}' '${root}/cli/main.ts'`;
  runInFolder(`${cli} dump -q --compression gzip -o backup.sql.gz`);
  const local = new DatabaseSync(join(folder, "local.sqlite"));
  local.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  local.close();
  const commands = commandsOf("npx durable-export restore").trim().split("\n");
  expect(commands).toHaveLength(3);
  for (const [at, command] of commands.entries()) {
    const target = `copy-${at + 1}`;
    const script = command
      .replace("npx durable-export", `${cli} --json`)
      .replace("JOB_ID", newestJobId())
      .replace("--target copy", `--target ${target}`);
    const restored: unknown = JSON.parse(runInFolder(script));
    expect(restored).toMatchObject({ target, status: "completed", error: null });
  }
});

test("docs/restore.md restores an export by HTTP, and proves each byte", async () => {
  const script = commandsOf("curl -X POST");
  const started = runInFolder(`URL=${worker.url} TOKEN=${TOKEN} JOB=${newestJobId()}\n${script}`);
  const { jobId } = JSON.parse(started) as { jobId: string };
  const wait = `'${process.execPath}' '${root}/cli/main.ts' --json wait ${jobId}`;
  const restored: unknown = JSON.parse(runInFolder(wait));
  expect(restored).toMatchObject({ status: "completed", verification: { state: "equal" } });
});

test("docs/restore.md proves a dump and tries it", () => {
  const script = commandsOf("npx durable-export verify").replaceAll(
    "npx durable-export",
    `'${process.execPath}' '${root}/cli/main.ts'`,
  );
  expect(script.split("\n").filter((line) => line !== "")).toHaveLength(2);
  runInFolder(script);
});

test.skipIf(spawnSync("sqlite3", ["-version"]).status !== 0)(
  "docs/restore.md loads a dump by the sqlite3 shell",
  () => {
    runInFolder(commandsOf("(echo", 2));
    for (const name of ["restored.db", "quoted.db"]) {
      const restored = new DatabaseSync(join(folder, name), { readOnly: true });
      expect(compareDatabases(source, restored)).toEqual([]);
    }
  },
);

test("docs/restore.md loads a dump into D1", () => {
  const database = {
    binding: "DB",
    database_name: "shop",
    database_id: "00000000-0000-4000-8000-000000000000",
  };
  const config = { name: "shop", compatibility_date: "2026-11-01", d1_databases: [database] };
  writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
  runInFolder(commandsOf("npx wrangler d1 execute").replaceAll("npx wrangler", "wrangler"));
  const count = runInFolder(
    "wrangler d1 execute shop --local --json --command 'SELECT count(*) AS n FROM orders'",
  );
  expect(count).toMatch(/"n": 40000\b/);
});

test("docs/restore.md names the longest file that wrangler can read into one string", () => {
  const page = readPage("docs/restore.md").replaceAll(/\s+/g, " ");
  expect(constants.MAX_STRING_LENGTH).toBe(512 * 1024 * 1024 - 24);
  expect(page).toContain("With `--local`, 512 MiB of text.");
  expect(page).toContain(`longer than 0x${constants.MAX_STRING_LENGTH.toString(16)} characters`);
});

test("docs/restore.md loads the files of several jobs into D1, one after the other", () => {
  const cli = `'${process.execPath}' '${root}/cli/main.ts'`;
  for (const table of ["customers", "orders"]) {
    runInFolder(`${cli} dump -q --table ${table} -o ${table}.sql`);
    runInFolder(`wrangler d1 execute shop --local --persist-to parts --file ${table}.sql`);
  }
  const count = runInFolder(
    "wrangler d1 execute shop --local --persist-to parts --json " +
      "--command 'SELECT (SELECT count(*) FROM customers) || (SELECT count(*) FROM orders) AS n'",
  );
  expect(count).toContain('"n": "240000"');
});

test("docs/restore.md loads a dump into a Durable Object", async () => {
  for (const name of ["orders", "customers"]) await query({ sql: `DROP TABLE ${name}` });
  const script = commandsOf("npx node examples/").replace(
    "npx node examples/",
    `'${process.execPath}' '${root}/examples/'`,
  );
  expect(runInFolder(script)).toMatch(/^\d+ statements$/m);
  const sums = "SELECT count(*) AS n, sum(octet_length(note)) AS bytes FROM orders";
  expect(await query({ sql: sums })).toEqual([{ n: 40_000, bytes: 800_000 }]);
  const exact = "SELECT CAST(id AS TEXT) AS id, hex(name) AS name FROM customers ORDER BY 1 DESC";
  expect(await query({ sql: exact })).toEqual([
    { id: "9007199254740993", name: "4F2748617261" },
    { id: "2", name: "0A7800" },
  ]);
});
