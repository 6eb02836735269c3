import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Schema, Validator } from "@cfworker/json-schema";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readSettings } from "../../src/config/settings.ts";
import { type CliResult, runCli } from "../../test/support/run-cli.ts";

const ID = "0b3b2a1c-0000-4000-8000-00000000000A";
const D1 = ["--d1", `shop:${ID}`];
const CRON = "17 3 * * *";

const schemaPath = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "config-schema.json",
);
const validator = new Validator(JSON.parse(readFileSync(schemaPath, "utf8")) as Schema, "7");

let folder: string;
let config: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "init-"));
  config = join(folder, "wrangler.jsonc");
});

afterEach(() => rmSync(folder, { recursive: true }));

function init(words: string[], answers?: string[]): Promise<CliResult> {
  const options = answers === undefined ? {} : { answers };
  return runCli(["init", folder, ...words], { url: "", ...options });
}

/** The written configuration, which wrangler's schema and the Worker's own settings accept. */
function readConfig(): Record<string, unknown> {
  const read = readRawConfig({ config }).rawConfig as Record<string, unknown>;
  expect(validator.validate(read).errors).toEqual([]);
  const vars = read["vars"] as object;
  expect(() => readSettings({ EXPORT_WORKFLOW: {}, EXPORT_JOBS: {}, ...vars })).not.toThrow();
  return read;
}

describe("a new Worker", () => {
  test("gets a configuration, a main file, and the next three commands", async () => {
    const result = await init([...D1, "--name", "shop-backup", "--schedule", CRON]);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(readdirSync(folder).sort()).toEqual(["worker.ts", "wrangler.jsonc"]);
    expect(readConfig()).toMatchObject({
      name: "shop-backup",
      main: "worker.ts",
      compatibility_date: readRawConfig({ config: "wrangler.jsonc" }).rawConfig.compatibility_date,
      durable_objects: {
        bindings: [
          { name: "EXPORT_JOBS", class_name: "ExportJobs" },
          { name: "EXPORT_SCRATCH", class_name: "ScratchDatabase" },
        ],
      },
      migrations: [{ tag: "v1", new_sqlite_classes: ["ExportJobs", "ScratchDatabase"] }],
      r2_buckets: [{ binding: "EXPORT_R2_BUCKET", bucket_name: "shop-backup" }],
      d1_databases: [{ binding: "SHOP_DB", database_name: "shop", database_id: ID.toLowerCase() }],
      triggers: { crons: [CRON] },
      vars: {
        EXPORT_SOURCES: { shop: { type: "d1", binding: "SHOP_DB" } },
        EXPORT_SCHEDULE: [{ source: "shop", cron: CRON, compression: "gzip" }],
      },
      limits: { cpu_ms: 300_000, subrequests: 1_000_000 },
    });
    expect(result.stdout).toContain(
      `Next, in ${folder}:\n  Install wrangler (Node 22 or newer) and durable-export: ` +
        "https://github.com/your-org/durable-export/blob/main/docs/library.md\n" +
        "  npx wrangler r2 bucket create shop-backup\n  npx wrangler deploy\n" +
        "  npx wrangler secret put ADMIN_AUTHORIZATION_TOKEN\n",
    );
    expect(result.stderr).toContain(".dev.vars");
    expect(result.stderr).toContain('"writable": true');
  });

  test("backs up several databases of all kinds", async () => {
    const more = [
      "--d1",
      `orders-db:${ID.replace("0b", "0c")}`,
      "--durable-object",
      "TENANT=Tenant@app",
    ];
    const result = await init([...D1, ...more, "--starbasedb", "starbasedb", "--schedule", CRON]);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(readConfig()).toMatchObject({
      durable_objects: {
        bindings: [
          { name: "EXPORT_JOBS" },
          { name: "EXPORT_SCRATCH" },
          {
            name: "DATABASE_DURABLE_OBJECT",
            class_name: "StarbaseDBDurableObject",
            script_name: "starbasedb",
          },
          { name: "TENANT", class_name: "Tenant", script_name: "app" },
        ],
      },
      vars: {
        EXPORT_SOURCES: {
          shop: { type: "d1", binding: "SHOP_DB" },
          "orders-db": { type: "d1", binding: "ORDERS_DB" },
          starbasedb: { binding: "DATABASE_DURABLE_OBJECT", name: "sql-durable-object" },
          tenant: { binding: "TENANT", names: "any" },
        },
        EXPORT_SCHEDULE: [
          { source: "shop" },
          { source: "orders-db" },
          { source: "starbasedb", tables: { exclude: ["tmp_cache"] } },
        ],
      },
    });
    expect(result.stderr).toContain("The schedule exports nothing of tenant until");
    expect(result.stderr).toContain("Class Tenant must extend withExport(DurableObject)");
  });

  test("asks a person what is not given, and again what is wrong", async () => {
    const answers = ["7", "1", "shop", `shop:${ID}`, "My Bucket", "my-bucket", ""];
    const result = await init(["--name", "asked"], answers);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stderr).toContain("is not NAME:ID of a D1 database");
    expect(readConfig()).toMatchObject({
      r2_buckets: [{ bucket_name: "my-bucket" }],
      triggers: { crons: [CRON] },
    });
  });

  test("is not written if the person leaves before the last answer", async () => {
    const result = await init(["--name", "asked"], ["4"]);
    expect(result).toMatchObject({ exitCode: 130 });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    [[], "no database to back up was given"],
    [["--d1", "shop"], "is not NAME:ID"],
    [["--durable-object", "Tenant"], "is not BINDING=Class"],
    [["--durable-object", "TENANT=Tenant"], "a new Worker has no class Tenant"],
    [["--starbasedb", "Star Base"], "is not a Worker's name"],
    [["--embedded", "--starbasedb", "s"], "need the same name or binding"],
    [["--embedded", "--bucket", "A"], "is not a bucket's name"],
    [["--embedded", "--schedule", "daily"], "is not a cron expression"],
    [["--embedded", "--name", "A b"], "is not a Worker's name"],
  ])("is refused for %j, and nothing is written", async (words, message) => {
    const result = await init(["--name", "backup", ...words]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("does not replace a worker.ts", async () => {
    writeFileSync(join(folder, "worker.ts"), "mine");
    expect(await init(["--embedded"])).toMatchObject({ exitCode: 2 });
    expect(readFileSync(join(folder, "worker.ts"), "utf8")).toBe("mine");
    expect(existsSync(config)).toBe(false);
  });
});

const EXISTING = `// My app.
{
  "name": "app",
  "main": "src/index.ts", // The entry.
  "compatibility_date": "2025-01-01",
  /* One object per tenant. */
  "durable_objects": {
    "bindings": [
      { "name": "TENANT", "class_name": "Tenant" }, // Mine.
    ],
  },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Tenant"] }],
  "d1_databases": [{ "binding": "DB", "database_name": "x", "database_id": "${ID.toLowerCase()}" }],
  "env": { "staging": {} },
}
`;

describe("an existing Worker", () => {
  beforeEach(() => writeFileSync(config, EXISTING));

  const WORDS = [...D1, "--durable-object", "TENANT=Tenant", "--schedule", CRON];

  test("keeps every line, and gets what it lacks", async () => {
    const result = await init([...WORDS, "--yes"]);
    expect(result).toMatchObject({ exitCode: 0 });
    const text = readFileSync(config, "utf8");
    const lines = text.split("\n");
    const changed = EXISTING.split("\n").filter((line) => !lines.includes(line));
    // The list of migrations gets its second one on the same line.
    expect(changed).toEqual([expect.stringContaining('"migrations"') as string]);
    expect(readConfig()).toMatchObject({
      durable_objects: {
        bindings: [{ name: "TENANT" }, { name: "EXPORT_JOBS" }, { name: "EXPORT_SCRATCH" }],
      },
      migrations: [
        { tag: "v1", new_sqlite_classes: ["Tenant"] },
        { tag: "durable-export-v1", new_sqlite_classes: ["ExportJobs", "ScratchDatabase"] },
      ],
      // The database is bound already.
      d1_databases: [{ binding: "DB" }],
      vars: {
        EXPORT_SOURCES: {
          shop: { type: "d1", binding: "DB" },
          tenant: { type: "durable-object", binding: "TENANT", names: "any" },
        },
      },
    });
    expect(existsSync(join(folder, "worker.ts"))).toBe(false);
    expect(result.stderr).toContain(
      "src/index.ts must export ExportJobs, ExportWorkflow, ScratchDatabase and mount the routes",
    );
    expect(result.stderr).toContain("env.staging");
    expect(result.stderr).toContain("nodejs_compat");
    const again = await init(WORDS);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain("already has everything");
    expect(readFileSync(config, "utf8")).toBe(text);
  });

  test("keeps the source that it had by default", async () => {
    const bindings = [
      { name: "EXPORT_JOBS", class_name: "ExportJobs" },
      { name: "DATABASE_DURABLE_OBJECT", class_name: "Database" },
    ];
    writeFileSync(config, JSON.stringify({ name: "app", durable_objects: { bindings } }));
    expect(await init([...D1, "--yes"])).toMatchObject({ exitCode: 0 });
    const { EXPORT_SOURCES: sources } = readConfig()["vars"] as { EXPORT_SOURCES: object };
    expect(Object.keys(sources)).toEqual(["main", "shop"]);
  });

  test("of an earlier version gets the scratch databases, with a migration of their own", async () => {
    const bindings = [{ name: "EXPORT_JOBS", class_name: "ExportJobs" }];
    const migrations = [{ tag: "v1", new_sqlite_classes: ["ExportJobs"] }];
    const main = "worker.ts";
    writeFileSync(
      config,
      JSON.stringify({ name: "app", main, durable_objects: { bindings }, migrations }),
    );
    const worker = 'export { default, ExportJobs, ExportWorkflow } from "durable-export/worker";';
    writeFileSync(join(folder, main), worker);
    const result = await init([...D1, "--yes"]);
    expect(readConfig()).toMatchObject({
      durable_objects: { bindings: [...bindings, { name: "EXPORT_SCRATCH" }] },
      migrations: [...migrations, { new_sqlite_classes: ["ScratchDatabase"] }],
    });
    expect(result.stderr).toContain("worker.ts must export ScratchDatabase.\n");
    writeFileSync(join(folder, main), worker.replace(" }", ", ScratchDatabase }"));
    expect((await init(D1)).stderr).not.toContain("must export");
  });

  test("is only changed by who says so", async () => {
    const refused = await init(WORDS);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("Give --yes to add to it");
    expect(await init(WORDS, ["n"])).toMatchObject({ exitCode: 2 });
    expect(readFileSync(config, "utf8")).toBe(EXISTING);
    expect(await init(WORDS, ["y"])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(config, "utf8")).toContain("EXPORT_JOBS");
  });

  test("prints what it has done as one JSON document", async () => {
    const { stdout } = await runCli(["--json", "init", folder, ...WORDS, "--yes"], { url: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      config,
      written: ["wrangler.jsonc"],
      next: [
        "npx wrangler r2 bucket create app",
        "npx wrangler deploy",
        "npx wrangler secret put ADMIN_AUTHORIZATION_TOKEN",
      ],
    });
  });

  test.each([
    ['{ "vars": { "EXPORT_SOURCES": "{}" } }', "Write it as JSON"],
    ['{ "vars": { "EXPORT_SOURCES": { "shop": { "type": "d1" } } } }', "is another source"],
    ['{ "r2_buckets": [{ "binding": "SHOP_DB" }] }', "the binding SHOP_DB is something else"],
    [
      '{ "durable_objects": { "bindings": [{ "name": "EXPORT_JOBS", "class_name": "X" }] } }',
      "is the class X",
    ],
    ['{ "workflows": {} }', "workflows"],
    ['{ "name": "app" "main": 1 }', "CommaExpected at line 1, column 17"],
  ])("of %s is refused, and stays as it is", async (text, message) => {
    writeFileSync(config, text);
    const result = await init([...D1, "--yes"]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
    expect(readFileSync(config, "utf8")).toBe(text);
  });

  test.each([
    [{ new_classes: ["Tenant"] }, "has no SQLite"],
    [{ new_sqlite_classes: ["Other"] }, "no migration creates the class Tenant"],
  ])("with the migration %j is refused for a class without SQLite", async (migration, message) => {
    writeFileSync(
      config,
      JSON.stringify({ name: "app", migrations: [{ tag: "v1", ...migration }] }),
    );
    const result = await init(["--durable-object", "TENANT=Tenant", "--yes"]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(message);
  });

  test("configured by TOML is refused with what to do", async () => {
    rmSync(config);
    writeFileSync(join(folder, "wrangler.toml"), 'name = "app"\n');
    const result = await init([...D1, "--yes"]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/is TOML.*durable-export init backup-worker/);
    expect(readdirSync(folder)).toEqual(["wrangler.toml"]);
  });
});
