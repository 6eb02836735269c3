import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Schema, Validator } from "@cfworker/json-schema";
import { DuckDBInstance } from "@duckdb/node-api";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { parse as parseYaml } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { GITHUB_REPOSITORY } from "../../scripts/set-owner.mjs";
import { DEFAULT_SOURCES } from "../../src/api/source-config.ts";
import { readSettings } from "../../src/config/settings.ts";
import {
  blocksOf,
  type DocBlock,
  DOC_PAGES,
  EXAMPLE_PAGES,
  proseCommandsOf,
  readPage,
} from "../support/doc-blocks.ts";
import { checkOut } from "../support/check-out.ts";
import { readActionFile } from "../support/run-action.ts";
import { wranglerProblems } from "../support/wrangler-commands.ts";

const run = promisify(execFile);

const REPOSITORY = join(import.meta.dirname, "../..");

/** In local development a token that everybody knows will do. */
const TOKEN = "ABC123";

/** Pages all of whose `sh` blocks another test runs. */
const RUN_BY: Record<string, string> = {
  "docs/api.md": "cli/end-to-end.test.ts",
  "docs/ci-backups.md": "cli/end-to-end.test.ts",
  "docs/cli.md": "cli/end-to-end.test.ts",
  "docs/copies.md": "test/docs/copies.test.ts",
  "docs/fleets.md": "test/docs/fleets.test.ts",
  "docs/local-development.md": "test/docs/local-development.test.ts",
  "docs/recipes.md": "test/docs/recipes.test.ts",
  "docs/restore.md": "test/docs/restore.test.ts",
  ...Object.fromEntries(EXAMPLE_PAGES.map((page) => [page, "test/docs/example-readmes.test.ts"])),
};

/** The test that runs the programs of a page that are JavaScript. */
const JAVASCRIPT_RUN_BY: Record<string, string> = {
  "docs/callbacks.md": "test/docs/callbacks.test.ts",
};

/** Blocks that need a place of their own, by how they start, and the test that takes them from their page. */
const BLOCKS_RUN_BY: Record<string, string> = {
  "DURABLE_EXPORT_TOKEN=$TOKEN npx node ../restore/into-durable-object.ts":
    "test/docs/starbasedb-restore.test.ts",
  "git fetch https://github.com/": "test/docs/deploy-button.test.ts",
  "npm install git+https://github.com/": "test/package/package.test.ts",
};

/** The commands of a page that are run here. */
function commandsOf(page: string): string {
  return blocksOf(page)
    .filter(({ language }) => language === "sh" || language === "bash")
    .map(({ text }) => text)
    .filter((text) => !Object.keys(BLOCKS_RUN_BY).some((start) => text.startsWith(start)))
    .join("\n");
}

/** What is shown, and not run: a request as it is on the wire, a picture, a layout. */
const SHOWN = new Set(["http", "mermaid", "powershell", ""]);
const CHECKED = new Set(["sh", "bash", "sql", "jsonc", "json", "yaml", "ts", "js"]);

/** Runs of a program under its own name go to `doc-command.ts`, which knows what cannot run here. */
const PROGRAMS = ["curl", "git", "npm", "npx"];

/** Every option of the command line. */
const CLI_OPTIONS: ReadonlySet<string> = new Set(
  globSync("cli/**/*.ts", { cwd: REPOSITORY, exclude: ["**/*.test.ts"] })
    .map((path) => readFileSync(join(REPOSITORY, path), "utf8"))
    .flatMap((text) => text.match(/--[a-z][a-z-]+/g) ?? []),
);

/** The newest job's id, once it has ended: what a reader puts in the place of `...`. */
const NEWEST_JOB = `newest_job() {
  local id
  id=$(curl -s "$URL/export/jobs?limit=1" -H "Authorization: Bearer $TOKEN" | sed 's/.*"jobId":"\\([^"]*\\)".*/\\1/')
  npx durable-export --quiet wait "$id" >&2
  echo "$id"
}
`;

let folder: string;
let checkout: string;
let worker: LocalWorker;
/** An object of the class that the Worker exports. */
let objectId: string;

/** What a page's reader fills in. */
function filledIn(text: string): string {
  return text
    .replaceAll(/http:\/\/127\.0\.0\.1:878[78]/g, worker.url)
    .replaceAll(/https:\/\/[\w-]+\.<your-subdomain>\.workers\.dev/g, worker.url)
    .replaceAll("--port 8787", `--port ${new URL(worker.url).port}`)
    .replaceAll("<the token>", TOKEN)
    .replaceAll("<64 hex digits>", objectId)
    .replaceAll("JOB_ID=...", "JOB_ID=$(newest_job)");
}

/** Runs a script to its end, and gives what it printed. Throws with that where a command fails. */
async function runScript(script: string, place: string): Promise<string> {
  const path = [join(folder, "bin"), join(REPOSITORY, "node_modules/.bin"), process.env["PATH"]];
  const env = {
    HOME: folder,
    PATH: path.join(":"),
    DOCS_CHECKOUT: checkout,
    DOCS_ASKED: join(place, "asked.jsonl"),
    URL: worker.url,
    TOKEN,
    DURABLE_EXPORT_URL: worker.url,
    DURABLE_EXPORT_TOKEN: TOKEN,
    WRANGLER_SEND_METRICS: "false",
  };
  try {
    const words = ["--norc", "-euo", "pipefail", "-c", script];
    return (await run("bash", words, { cwd: place, env })).stdout;
  } catch (cause) {
    const { stdout, message } = cause as Error & { stdout: string };
    throw new Error(`${message}\n${stdout.slice(-2_000)}`, { cause });
  }
}

/** The calls of wrangler that a script would have sent to Cloudflare. */
function askedOfWrangler(place: string): string[][] {
  const path = join(place, "asked.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as string[]);
}

async function call(path: string, body?: object): Promise<Response> {
  return fetch(`${worker.url}${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
}

async function jobsHaveEnded(): Promise<void> {
  for (;;) {
    const { jobs } = await (
      await call("/export/jobs?limit=100")
    ).json<{ jobs: { status: string }[] }>();
    if (jobs.every(({ status }) => status !== "queued" && status !== "running")) return;
    await sleep(20);
  }
}

/** A block of configuration as a whole `wrangler.jsonc`: pages show the fields that they are about. */
function configOf({ text }: DocBlock): Record<string, unknown> {
  const path = join(folder, "block.jsonc");
  writeFileSync(path, text.trimStart().startsWith("{") ? text : `{${text}}`);
  const config = readRawConfig({ config: path }).rawConfig as Record<string, unknown>;
  if ("class_name" in config) return { durable_objects: { bindings: [config] } };
  const isVar = ([name]: [string, unknown]): boolean => name.startsWith("EXPORT_");
  const vars = Object.entries(config).filter(isVar);
  if (vars.length === 0) return config;
  const others = Object.entries(config).filter((entry) => !isVar(entry));
  return { ...Object.fromEntries(others), vars: Object.fromEntries(vars) };
}

function blocksIn(language: string): [page: string, at: number, block: DocBlock][] {
  return DOC_PAGES.flatMap((page) =>
    blocksOf(page)
      .filter((block) => block.language === language)
      .map((block, at): [string, number, DocBlock] => [page, at, block]),
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "docs-commands-"));
  checkout = join(folder, "checkout");
  checkOut(checkout);
  symlinkSync(join(REPOSITORY, "node_modules"), join(checkout, "node_modules"));
  mkdirSync(join(folder, "bin"));
  for (const program of PROGRAMS) {
    const command = join(REPOSITORY, "test/support/doc-command.ts");
    const script = `#!/bin/sh\nexec '${process.execPath}' '${command}' ${program} "$@"\n`;
    writeFileSync(join(folder, "bin", program), script);
    chmodSync(join(folder, "bin", program), 0o755);
  }
  const { rawConfig } = readRawConfig({ config: join(REPOSITORY, "wrangler.jsonc") });
  const d1 = blocksOf("docs/d1.md").find(({ language }) => language === "jsonc");
  const { d1_databases: databases, vars } = configOf(d1 as DocBlock) as {
    d1_databases: object[];
    vars: { EXPORT_SOURCES: object };
  };
  const main = { ...DEFAULT_SOURCES["main"], names: "any" };
  const config = {
    ...rawConfig,
    d1_databases: databases.map((database) => ({ ...database, database_id: "shop" })),
    vars: { EXPORT_SOURCES: { ...DEFAULT_SOURCES, main, ...vars.EXPORT_SOURCES } },
  };
  const configPath = join(checkout, "wrangler.docs.json");
  writeFileSync(configPath, JSON.stringify(config));
  worker = await startLocalWorker({
    persistTo: join(folder, "state"),
    config: configPath,
    vars: { ADMIN_AUTHORIZATION_TOKEN: TOKEN },
  });
  // The table that docs/starbasedb.md takes.
  await call("/query", { sql: "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)" });
  const started = await call("/export/dump", { name: "umbrella" });
  expect(started.status).toBe(202);
  await jobsHaveEnded();
  const files = readdirSync(join(folder, "state"), { recursive: true, encoding: "utf8" });
  const object = files.find((path) => /-Database\/[0-9a-f]{64}\.sqlite$/.test(path)) ?? "";
  objectId = basename(object, ".sqlite");
}, 120_000);

afterAll(async () => {
  await worker.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 120_000);

test.each(DOC_PAGES)("%s has blocks of known languages alone", (page) => {
  const languages = blocksOf(page).map(({ language }) => language);
  expect(languages.filter((each) => !SHOWN.has(each) && !CHECKED.has(each))).toEqual([]);
});

test.each(blocksIn("js"))("the JavaScript of %s (%i) is run by a test", (page) => {
  const file = JAVASCRIPT_RUN_BY[page] ?? "";
  expect(readFileSync(join(REPOSITORY, file), "utf8")).toContain(basename(page));
});

test.each(Object.entries(RUN_BY))("the commands of %s are run by %s", (page, file) => {
  const text = readFileSync(join(REPOSITORY, file), "utf8");
  expect(text).toContain(EXAMPLE_PAGES.includes(page) ? "EXAMPLE_PAGES" : basename(page));
});

test.each(Object.entries(BLOCKS_RUN_BY))("the block %j is run by %s", (start, file) => {
  const pages = DOC_PAGES.filter((page) =>
    blocksOf(page).some(({ text }) => text.startsWith(start)),
  );
  expect(pages).toHaveLength(1);
  expect(readFileSync(join(REPOSITORY, file), "utf8")).toContain(basename(pages[0] ?? ""));
});

describe("shell", () => {
  const pages = DOC_PAGES.filter((page) => commandsOf(page) !== "" && !(page in RUN_BY));

  test.each(pages)("every command of %s does what it is there for", async (page) => {
    await jobsHaveEnded();
    const place = join(folder, page.replaceAll(/\W/g, "-"));
    // Where a page begins with `git clone`, there is nothing yet.
    if (commandsOf(page).includes("git clone")) mkdirSync(place);
    else cpSync(checkout, place, { recursive: true, verbatimSymlinks: true });
    const script = filledIn(commandsOf(page));
    expect(/<[\w .-]+>/.exec(script)?.[0]).toBeUndefined();
    const printed = await runScript(NEWEST_JOB + script, place);
    expect(askedOfWrangler(place).flatMap(wranglerProblems)).toEqual([]);
    for (const [, text = ""] of readPage(page).matchAll(/prints\s+`([^`]+)`/g)) {
      expect(printed).toContain(text);
    }
  });

  test.each(DOC_PAGES)("commands within the sentences of %s exist", (page) => {
    const problems = proseCommandsOf(page).flatMap((words) => {
      const [program = "", first = "", second = ""] = words[0] === "npx" ? words.slice(1) : words;
      if (program === "npm" && first === "run") {
        return Object.hasOwn(packageJson.scripts, second) ? [] : [`no script ${second}`];
      }
      if (program === "wrangler") return wranglerProblems(words.slice(words.indexOf(program) + 1));
      if (program === "durable-export" && first !== "") {
        const commands = readdirSync(join(REPOSITORY, "cli/commands"));
        const options = words.filter((word) => /^--[a-z]/.test(word));
        return [
          ...(commands.includes(`${first}.ts`) ? [] : [`no command ${first}`]),
          ...options.filter((each) => !CLI_OPTIONS.has(each)).map((each) => `no option ${each}`),
        ];
      }
      if (program === "node" && first !== "")
        return readFileSync(join(REPOSITORY, first)).length > 0 ? [] : [first];
      return [];
    });
    expect(problems).toEqual([]);
  });
});

describe("configuration", () => {
  const BINDINGS = { EXPORT_WORKFLOW: {}, EXPORT_JOBS: {}, EXPORT_SCRATCH: {} };
  const schema = JSON.parse(
    readFileSync(join(REPOSITORY, "node_modules/wrangler/config-schema.json"), "utf8"),
  ) as Schema;

  test.each(blocksIn("jsonc"))(
    "of %s (%i) is what Wrangler and this Worker take",
    (_, __, block) => {
      const config = configOf(block);
      expect(new Validator(schema, "7").validate(config).errors).toEqual([]);
      const vars = config["vars"] ?? {};
      expect(() => readSettings({ ...BINDINGS, ...vars })).not.toThrow();
    },
  );

  test.each(blocksIn("yaml"))("of %s (%i) uses inputs that the action has", (_, __, block) => {
    const steps = parseYaml(block.text) as { uses: string; with: object }[];
    const ours = steps.filter(({ uses }) => uses.startsWith(`${GITHUB_REPOSITORY}@`));
    expect(ours.length).toBeGreaterThan(0);
    const known = Object.keys(readActionFile().inputs);
    expect(
      ours.flatMap((step) => Object.keys(step.with)).filter((x) => !known.includes(x)),
    ).toEqual([]);
  });
});

test.each(blocksIn("json"))(
  "the JSON of %s (%i) is an answer, or can be read",
  async (_, __, block) => {
    const value = JSON.parse(block.text) as { code?: string };
    if (value.code === undefined) return;
    expect(await (await call("/export/dump/x")).json()).toEqual(value);
  },
);

test("the programs of the pages compile against the package", () => {
  const place = join(checkout, "blocks");
  mkdirSync(place);
  for (const [at, [, , { text }]] of blocksIn("ts").entries()) {
    writeFileSync(join(place, `block-${at}.ts`), text);
  }
  const include = ["*.ts", "../worker-configuration.d.ts"];
  writeFileSync(
    join(place, "tsconfig.json"),
    JSON.stringify({ extends: "../tsconfig.json", include }),
  );
  execFileSync(
    process.execPath,
    [join(REPOSITORY, "node_modules/typescript/bin/tsc"), "-p", place],
    { encoding: "utf8" },
  );
});

test("the SQL of docs/formats.md reads what an export wrote", async () => {
  await jobsHaveEnded();
  const sql = "DROP TABLE IF EXISTS orders; CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)";
  await call("/query", { sql });
  await call("/query", { sql: "INSERT INTO orders VALUES (1, ''), (2, NULL)" });
  const place = join(folder, "formats");
  for (const format of ["csv", "ndjson", "parquet"]) {
    const words = ["dump", "-q", "--format", format, "--table", "orders", "-o", `${place}/`];
    await run(process.execPath, [join(REPOSITORY, "cli/main.ts"), ...words], {
      env: { HOME: folder, DURABLE_EXPORT_URL: worker.url, DURABLE_EXPORT_TOKEN: TOKEN },
    });
  }
  // Another test runs the query of docs/recipes.md.
  const blocks = blocksIn("sql").filter(([page]) => page !== "docs/recipes.md");
  expect(new Set(blocks.map(([page]) => page))).toEqual(new Set(["docs/formats.md"]));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  for (const [, , { text }] of blocks) {
    if (text.startsWith(".import")) {
      const script = `CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT);\n${text}SELECT * FROM orders;\n`;
      const printed = execFileSync("sqlite3", [":memory:"], { cwd: place, input: script });
      expect(printed.toString()).toBe("1|\n2|\n");
      continue;
    }
    for (const statement of text.trim().split("\n")) {
      const here = statement.replaceAll("'orders.", `'${place}/orders.`);
      const rows = (await connection.runAndReadAll(here)).getRows();
      expect(rows.map(([id, note]) => [Number(id), note])).toEqual([
        [1, ""],
        [2, null],
      ]);
    }
  }
  connection.closeSync();
});

test("docs/README.md leads to every other page", () => {
  const index = readPage("docs/README.md");
  const pages = DOC_PAGES.filter((page) => /^docs\/(?!README)/.test(page));
  expect(pages.filter((page) => !index.includes(`(${basename(page)})`))).toEqual([]);
});
