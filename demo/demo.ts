import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join, relative, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { JobView } from "../src/api/job-view.ts";
import { startLocalWorker } from "../scripts/local-worker.ts";
import type { LocalWorker } from "../scripts/local-worker.ts";
import { Api } from "./api.ts";
import { CITIES_CREDIT, createCitiesDatabase, searchCities } from "./cities-database.ts";
import { compareDatabases } from "./compare.ts";
import { loadFile } from "./load-file.ts";
import { count, printLine, since, size, startProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { restoreDump } from "./restore.ts";
import type { LeftOut } from "./schema.ts";
import { quoteName } from "./sql-literal.ts";
import { openSourceFile, UnusableFile } from "./source-file.ts";
import type { SourceFile } from "./source-file.ts";

const USAGE = `npm run demo                         exports the cities of the world
npm run demo -- path/to/any.sqlite   exports a database file of yours, which is only read
  --output <folder>                  where dump and databases go (default: demo-output)`;

/** Exit statuses: everything is the same; something differs or failed; the arguments are unusable. */
const SAME = 0;
const FAILED = 1;
const UNUSABLE = 2;
const INTERRUPTED = 130;

const DEFAULT_OUTPUT = join(import.meta.dirname, "..", "demo-output");

interface Options {
  /** Undefined for the cities. */
  file: string | undefined;
  output: string;
}

process.exitCode = await main(process.argv.slice(2));

async function main(arguments_: string[]): Promise<number> {
  const options = parseOptions(arguments_);
  if (options === undefined) {
    console.error(USAGE);
    return UNUSABLE;
  }
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      // Asked twice: at once. The local Worker's group is killed on exit.
      if (interrupt.signal.aborted) process.exit(INTERRUPTED);
      interrupt.abort();
    });
  }
  try {
    const isSame = await runDemo(options, interrupt.signal);
    return isSame ? SAME : FAILED;
  } catch (error) {
    if (interrupt.signal.aborted) {
      console.error("interrupted");
      return INTERRUPTED;
    }
    if (error instanceof UnusableFile) {
      console.error(`${error.message}\n\n${USAGE}`);
      return UNUSABLE;
    }
    console.error(error instanceof Error ? `error: ${error.message}` : error);
    return FAILED;
  }
}

function parseOptions(arguments_: string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: arguments_,
      allowPositionals: true,
      options: { output: { type: "string", default: DEFAULT_OUTPUT } },
    });
    if (positionals.length > 1) return undefined;
    return { file: positionals[0], output: resolve(values.output) };
  } catch {
    return undefined;
  }
}

/** True when the restored database is the same as the source. */
async function runDemo({ file, output }: Options, signal: AbortSignal): Promise<boolean> {
  const startMs = Date.now();
  mkdirSync(output, { recursive: true });
  const source = file === undefined ? await openCities(output) : openReadersFile(file);
  const name = basename(source.path, extname(source.path));
  const dumpPath = join(output, `${name}.dump.sql`);
  const databasePath = join(output, `${name}.restored.sqlite`);
  try {
    const { leftOut, exported } = await withWorker(signal, async (worker) => {
      const api = new Api({ url: worker.url, token: worker.token, signal });
      const leftOut = await load(source, api);
      return { leftOut, exported: await exportDump(source, { api, dumpPath }) };
    });
    const restored = await restore({ dumpPath, databasePath, bytes: exported.bytes, signal });
    const isSame = await compare({ source, restored, leftOut, signal });
    if (file === undefined) showSearch(restored);
    restored.close();
    console.log();
    printLine("dump", `${shown(dumpPath)} (${size(exported.bytes)}, SHA-256 ${exported.sha256})`);
    printLine("database", `${shown(databasePath)}, restored from it`);
    for (const { name, reason } of leftOut) printLine("left out", `${name}: ${reason}`);
    printLine("result", `${describeResult(isSame, leftOut)} (${since(startMs)} in all)`);
    return isSame;
  } finally {
    source.db.close();
  }
}

function describeResult(isSame: boolean, leftOut: LeftOut[]): string {
  if (!isSame) return "THE RESTORED DATABASE DIFFERS";
  if (leftOut.length === 0) return "the restored database is the same";
  return "the restored database is the same, but for what the platform refused";
}

async function openCities(output: string): Promise<SourceFile> {
  const startMs = Date.now();
  const path = join(output, "cities.sqlite");
  await createCitiesDatabase(path);
  const source = openSourceFile(path);
  printLine("source", `${describeSource(source)}, made in ${since(startMs)}`);
  printLine("", CITIES_CREDIT);
  return source;
}

function openReadersFile(file: string): SourceFile {
  const source = openSourceFile(resolve(file));
  printLine("source", describeSource(source));
  return source;
}

function describeSource(source: SourceFile): string {
  const { tables, objects } = source.schema;
  const contents = [
    plural(tables.length, "table"),
    plural(totalRows(source), "row"),
    plural(objects.length, "index, view or trigger", "indexes, views and triggers"),
  ];
  return `${shown(source.path)} (${size(source.bytes)}: ${contents.join(", ")})`;
}

/** Runs `work` beside a local Worker with a state of its own, and leaves neither behind. */
async function withWorker<T>(
  signal: AbortSignal,
  work: (worker: { url: string; token: string }) => Promise<T>,
): Promise<T> {
  const startMs = Date.now();
  const state = mkdtempSync(join(tmpdir(), "durable-export-demo-"));
  const token = randomUUID();
  const removeState = () => rmSync(state, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", removeState);
  let worker: LocalWorker | undefined;
  try {
    worker = await startLocalWorker({
      persistTo: state,
      vars: { ADMIN_AUTHORIZATION_TOKEN: token },
      signal,
    });
    printLine("worker", `${worker.url}, started in ${since(startMs)}`);
    return await work({ url: worker.url, token });
  } catch (error) {
    if (worker !== undefined && !signal.aborted) console.error(worker.output());
    throw error;
  } finally {
    await worker?.stop();
    removeState();
    process.removeListener("exit", removeState);
  }
}

async function load(source: SourceFile, api: Api): Promise<LeftOut[]> {
  const startMs = Date.now();
  const total = totalRows(source);
  return withProgress("load", total, async (progress) => {
    const leftOut = await loadFile(source, api, (rows) => {
      progress.update(rows, `${count(rows)} of ${count(total)} rows`);
    });
    progress.end(`${plural(total, "row")} through POST /query in ${since(startMs)}`);
    return leftOut;
  });
}

async function exportDump(
  source: SourceFile,
  { api, dumpPath }: { api: Api; dumpPath: string },
): Promise<{ bytes: number; sha256: string }> {
  const startMs = Date.now();
  const total = totalRows(source);
  const view = await withProgress("export", total, async (progress) => {
    const done = await api.waitForExport(await api.startExport(), ({ status, progress: made }) => {
      const text = `${status}, ${count(made.rows)} of ${count(total)} rows, ${size(made.bytes)}`;
      progress.update(made.rows, text);
    });
    progress.end(`job ${done.jobId} ${done.status} in ${since(startMs)}`);
    return done;
  });
  for (const warning of view.warnings) printLine("warning", warning);
  return download(api, view, dumpPath);
}

/** Throws unless the bytes on disk have the size and SHA-256 that job view and manifest tell. */
async function download(
  api: Api,
  view: JobView,
  dumpPath: string,
): Promise<{ bytes: number; sha256: string }> {
  const startMs = Date.now();
  const artifact = view.artifacts[0];
  if (artifact === undefined) throw new Error("the completed job has no artifact");
  const stored = await withProgress("download", artifact.bytes, async (progress) => {
    const onBytes = (bytes: number) => progress.update(bytes, size(bytes));
    const got = await api.download(view.links.download, { path: dumpPath, onBytes });
    progress.end(`${size(got.bytes)} in ${since(startMs)}`);
    return got;
  });
  const manifest = await api.manifest(view);
  const listed = manifest.artifacts.find(({ name }) => name === artifact.name);
  for (const [where, told] of [
    ["job view", artifact],
    ["manifest", listed],
  ] as const) {
    if (told?.sha256 === stored.sha256 && told.bytes === stored.bytes) continue;
    throw new Error(
      `the ${where} tells ${told?.bytes} bytes with SHA-256 ${told?.sha256}, downloaded were ${stored.bytes} with ${stored.sha256}`,
    );
  }
  printLine("checksum", `SHA-256 ${stored.sha256} is that of job view and manifest`);
  return stored;
}

async function restore({
  dumpPath,
  databasePath,
  bytes,
  signal,
}: {
  dumpPath: string;
  databasePath: string;
  bytes: number;
  signal: AbortSignal;
}): Promise<DatabaseSync> {
  const startMs = Date.now();
  return withProgress("restore", bytes, async (progress) => {
    const onBytes = (done: number) => progress.update(done, size(done));
    const restored = await restoreDump({ dumpPath, databasePath }, { onBytes, signal });
    progress.end(`into ${shown(databasePath)} in ${since(startMs)}`);
    return restored;
  });
}

async function compare({
  source,
  restored,
  leftOut,
  signal,
}: {
  source: SourceFile;
  restored: DatabaseSync;
  leftOut: LeftOut[];
  signal: AbortSignal;
}): Promise<boolean> {
  const startMs = Date.now();
  const total = totalRows(source);
  const result = await withProgress("compare", total, async (progress) => {
    const found = await compareDatabases(source.db, restored, {
      leftOut: new Set(leftOut.map(({ name }) => name)),
      onRows: (rows) => progress.update(rows, `${count(rows)} rows`),
      signal,
    });
    const compared = `${plural(found.values, "value")} in ${plural(found.rows, "row")} of ${plural(found.tables, "table")}, ${plural(found.objects, "definition")}`;
    const outcome =
      found.differences === 0 ? "all the same" : plural(found.differences, "difference");
    progress.end(`${compared}: ${outcome}, in ${since(startMs)}`);
    return found;
  });
  for (const example of result.examples) printLine("", example);
  for (const name of result.withoutContent)
    printLine("", `${name} has no rows of its own to compare`);
  const problems = checkIntegrity(restored, source);
  for (const problem of problems) printLine("integrity", problem);
  return result.differences === 0 && problems.length === 0;
}

/** What SQLite's own checks find wrong in the restored file, full-text indexes included. */
function checkIntegrity(restored: DatabaseSync, { schema }: SourceFile): string[] {
  const problems = restored
    .prepare("PRAGMA integrity_check(10)")
    .all()
    .map((row) => String(row["integrity_check"]))
    .filter((text) => text !== "ok");
  for (const { name, virtual } of schema.tables) {
    if (virtual?.module !== "fts5" || virtual.content === "none") continue;
    const table = quoteName(name);
    try {
      restored.exec(`INSERT INTO ${table}(${table}, rank) VALUES ('integrity-check', 1)`);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  return problems;
}

function showSearch(restored: DatabaseSync): void {
  const words = "santa cruz";
  printLine("search", `"${words}" in the restored full-text index finds`);
  for (const place of searchCities(restored, words)) printLine("", place);
}

async function withProgress<T>(
  label: string,
  total: number,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = startProgress(label, total);
  try {
    return await work(progress);
  } catch (error) {
    progress.clear();
    throw error;
  }
}

function totalRows({ rowCounts }: SourceFile): number {
  return [...rowCounts.values()].reduce((sum, rows) => sum + rows, 0);
}

function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
