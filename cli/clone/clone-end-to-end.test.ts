import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { parse as parseJsonc } from "jsonc-parser";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { encodeValue } from "../../src/databases/with-export/structured-value.ts";
import { compareDatabases } from "../../test/support/compare-databases.ts";
import { type CliResult, runCli } from "../../test/support/run-cli.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const TOKEN = "clone-test-token-0123456789";
const SECRET = "planted.secret@example.com";

const binding = { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT", writable: true };
const SOURCES = {
  main: { ...binding, name: "sql-durable-object" },
  shop: { type: "d1", binding: "SHOP_DB", writable: true },
  tenants: { ...binding, names: "any" },
};

/** Values of each type, at the ends of their ranges, and objects that need care. */
const SCRIPT = [
  "CREATE TABLE odd(id INTEGER PRIMARY KEY AUTOINCREMENT, a, twice AS (a || a), UNIQUE (id, a))",
  `INSERT INTO odd(a) VALUES (NULL), (9223372036854775807), (-9223372036854775807 - 1), (0.1), (1.0),
     (-0.0), (9e999), (-9e999), (''), ('a''b;' || char(10)), ('a' || char(0) || 'b'),
     (CAST(X'ff41' AS TEXT)), (X''), (X'00ff'), ('12'), (zeroblob(300000))`,
  "CREATE TABLE users(name TEXT COLLATE NOCASE, email TEXT, PRIMARY KEY (name)) WITHOUT ROWID",
  `INSERT INTO users VALUES ('Ada', '${SECRET}'), ('Bob', 'b.${SECRET}')`,
  "CREATE VIRTUAL TABLE search USING fts5(text)",
  "INSERT INTO search VALUES ('hello world')",
  "CREATE INDEX by_email ON users(lower(email)) WHERE email IS NOT NULL",
  "CREATE VIEW names AS SELECT name FROM users",
  "CREATE TRIGGER shout AFTER INSERT ON users BEGIN SELECT ';'; END",
];

/** An entry's statement in a dump, as a class of `withExport` takes it. */
function keyValueStatement(key: string, value: unknown): string {
  const [k, v] = [Buffer.from(key), encodeValue(value)].map((each) =>
    Buffer.from(each).toString("hex").toUpperCase(),
  );
  return `SELECT 'durable-export: key-values' FROM (VALUES\n(X'${k}',0,1,X'${v}')) WHERE 0`;
}

const ENTRIES = [
  keyValueStatement("version", 7),
  keyValueStatement("größe", {
    list: [new Uint8Array([1, 2]), new Date(0)],
    map: new Map([[1, 2n]]),
  }),
];

let folder: string;
let config: string;
let production: LocalWorker;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cli-clone-end-to-end-"));
  const text = readFileSync(join(REPOSITORY, "wrangler.jsonc"), "utf8");
  const own = parseJsonc(text, [], { allowTrailingComma: true }) as object;
  config = join(folder, "wrangler.json");
  writeFileSync(
    config,
    JSON.stringify({
      ...own,
      main: join(REPOSITORY, "src/index.ts"),
      d1_databases: [{ binding: "SHOP_DB", database_name: "shop", database_id: "shop-id" }],
      vars: { EXPORT_SOURCES: SOURCES },
    }),
  );
  production = await start("production");
  const script = join(folder, "fill.sql");
  for (const [target, more] of [
    ["main", ENTRIES],
    ["shop", []],
  ] as const) {
    writeFileSync(script, `${[...SCRIPT, ...more].join(";\n")};\n`);
    expect(await cli(production, "restore", script, "--target", target)).toMatchObject({
      exitCode: 0,
    });
  }
}, 180_000);

afterAll(async () => {
  await production.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 60_000);

function start(state: string): Promise<LocalWorker> {
  const vars = { ADMIN_AUTHORIZATION_TOKEN: TOKEN };
  return startLocalWorker({ persistTo: join(folder, state), config, vars });
}

function cli({ url }: { url: string }, ...args: string[]): Promise<CliResult> {
  return runCli(args, { url, token: TOKEN });
}

function clone(state: string, ...args: string[]): Promise<CliResult> {
  const place = ["--to-local", join(folder, state), "--wrangler-config", config];
  return cli(production, "clone", ...place, ...args);
}

/** The dump of a source, and the SQLite file that the Worker's dump becomes. */
async function dumpOf(
  worker: LocalWorker,
  source: string,
  name: string,
): Promise<[string, DatabaseSync]> {
  const [script, file] = [join(folder, `${name}.sql`), join(folder, `${name}.sqlite`)];
  for (const output of [script, file]) {
    const result = await cli(worker, "dump", "--source", source, "-o", output);
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  }
  return [readFileSync(script, "latin1"), new DatabaseSync(file)];
}

async function query(worker: LocalWorker, sql: string): Promise<unknown> {
  const response = await fetch(`${worker.url}/query`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ sql }),
  });
  const { result } = await response.json<{ result: unknown }>();
  return result;
}

const SLOW = { timeout: 240_000 };

test(
  "wrangler dev reads every value of a cloned Durable Object and D1 database",
  SLOW,
  async () => {
    for (const from of ["main", "shop"]) {
      const { exitCode, stderr } = await clone("local", "--from", from);
      expect(exitCode, stderr).toBe(0);
      expect(stderr.includes("use --consistency snapshot")).toBe(from === "shop");
    }
    const local = await start("local");
    try {
      for (const source of ["main", "shop"]) {
        const [before, expected] = await dumpOf(production, source, `${source}-production`);
        const [after, actual] = await dumpOf(local, source, `${source}-local`);
        expect(compareDatabases(expected, actual)).toEqual([]);
        // The text also contains the key-value entries of the object.
        expect(after).toBe(before);
        expect(after.includes("durable-export: key-values")).toBe(source === "main");
        expected.close();
        actual.close();
      }
      const types = "SELECT id, typeof(a) AS t, hex(a) AS h FROM odd ORDER BY id";
      expect(await query(local, types)).toEqual(await query(production, types));
      const found = await query(local, "SELECT text FROM search WHERE search MATCH 'world'");
      expect(found).toEqual([{ text: "hello world" }]);
      await query(local, "INSERT INTO odd(a) VALUES ('new')");
      expect(await query(local, "SELECT max(id) AS id FROM odd")).toEqual([{ id: 17 }]);

      const open = await clone("local", "--from", "main", "--replace");
      expect(open.exitCode).toBe(1);
      expect(open.stderr).toContain("Stop that `wrangler dev`");
    } finally {
      await local.stop();
    }
    const full = await clone("local", "--from", "main");
    expect(full).toMatchObject({ exitCode: 2 });
    expect(full.stderr).toContain("is not empty: it contains table");
    expect(await clone("local", "--from", "main", "--replace")).toMatchObject({ exitCode: 0 });
    const again = await start("local");
    try {
      expect(await query(again, "SELECT max(id) AS id FROM odd")).toEqual([{ id: 16 }]);
    } finally {
      await again.stop();
    }
  },
);

test("a masked clone contains the masks, and the secret in no file", SLOW, async () => {
  const mask = ["--mask", "users.email=value:nobody@example.invalid"];
  for (const from of ["main", "shop"]) {
    const { exitCode, stderr } = await clone("masked", "--from", from, ...mask);
    expect(exitCode, stderr).toBe(0);
  }
  const root = join(folder, "masked");
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  expect(files).toHaveLength(2);
  for (const { parentPath, name } of files) {
    expect(readFileSync(join(parentPath, name)).includes(SECRET)).toBe(false);
  }
  const masked = await start("masked");
  try {
    expect(await query(masked, "SELECT name, email FROM users")).toEqual([
      { name: "Ada", email: "nobody@example.invalid" },
      { name: "Bob", email: "nobody@example.invalid" },
    ]);
  } finally {
    await masked.stop();
  }
});
