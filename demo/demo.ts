import { mkdirSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { JobView } from "../src/api/job-view.ts";
import { formatBytes, formatCount, formatNumberOf } from "../cli/format.ts";
import { describeProved } from "../cli/restored-itself.ts";
import type { Verify } from "../src/api/proof.ts";
import { Api } from "./api.ts";
import { CITIES_CREDIT, createCitiesDatabase, searchCities } from "./cities-database.ts";
import { checkRestored } from "./check-restored.ts";
import type { Verdict } from "./check-restored.ts";
import { runFleetDemo } from "./fleet.ts";
import { loadFile } from "./load-file.ts";
import { printLine, since, withProgress } from "./progress.ts";
import { restoreDump } from "./restore.ts";
import type { LeftOut } from "./schema.ts";
import { shown } from "./shown-path.ts";
import { openSourceFile, totalRows } from "./source-file.ts";
import type { SourceFile } from "./source-file.ts";
import { UnusableFile } from "../cli/unusable-file.ts";
import { withWorker } from "./with-worker.ts";

const USAGE = `npm run demo                         exports the cities of the world
npm run demo -- path/to/any.sqlite   exports your database file, which is only read
npm run demo -- --fleet 1000         backs up so many small databases in one call
  --rows <count>                     how many notes each of them has (default: 20)
  --output <folder>                  where dump and databases go (default: demo-output)`;

/**
 * Exit codes: the dump contains the same; something differs or failed; the arguments or the file
 * are unusable.
 */
const SAME = 0;
const FAILED = 1;
const UNUSABLE = 2;
const INTERRUPTED = 130;

const DEFAULT_OUTPUT = join(import.meta.dirname, "..", "demo-output");

/** The most tenants, and the most notes of each. */
const TENANTS_MAX = 100_000;
const NOTES_MAX = 10_000;

interface Options {
  /** Undefined for the cities. */
  file: string | undefined;
  /** Undefined for a single database. */
  fleet: { tenants: number; notes: number } | undefined;
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
      // A second request ends the demo immediately. The local Worker's group is killed on exit.
      if (interrupt.signal.aborted) process.exit(INTERRUPTED);
      interrupt.abort();
    });
  }
  try {
    const { fleet, output } = options;
    const { signal } = interrupt;
    const isSame =
      fleet === undefined
        ? await runDemo(options, signal)
        : await runFleetDemo({ ...fleet, output, signal });
    return isSame ? SAME : FAILED;
  } catch (error) {
    if (interrupt.signal.aborted) {
      console.error("interrupted");
      return INTERRUPTED;
    }
    if (error instanceof UnusableFile) {
      console.error(error.message);
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
      options: {
        output: { type: "string", default: DEFAULT_OUTPUT },
        fleet: { type: "string" },
        rows: { type: "string" },
      },
    });
    const { fleet, rows } = values;
    const isFleet = fleet !== undefined;
    if (positionals.length > (isFleet ? 0 : 1) || (!isFleet && rows !== undefined))
      return undefined;
    return {
      file: positionals[0],
      fleet: isFleet
        ? { tenants: parseCount(fleet, TENANTS_MAX), notes: parseCount(rows ?? "20", NOTES_MAX) }
        : undefined,
      output: resolve(values.output),
    };
  } catch {
    return undefined;
  }
}

/** Throws unless it is a whole number from 1 to `max`. */
function parseCount(text: string, max: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= max) return count;
  throw new RangeError(`${text} is not a whole number from 1 to ${max}`);
}

/** True if the restored database has everything that a dump can contain. */
async function runDemo(
  { file, output }: Pick<Options, "file" | "output">,
  signal: AbortSignal,
): Promise<boolean> {
  const startMs = Date.now();
  mkdirSync(output, { recursive: true });
  const source = file === undefined ? await openCities(output) : await openUsersFile(file);
  const name = basename(source.path, extname(source.path));
  const dumpPath = join(output, `${name}.dump.sql`);
  const databasePath = join(output, `${name}.restored.sqlite`);
  try {
    const { leftOut, exported, proof } = await withWorker(signal, async (worker) => {
      const api = new Api({ url: worker.url, token: worker.token, signal });
      const leftOut = await load(source, api);
      return { leftOut, ...(await exportDump(source, { api, dumpPath })) };
    });
    const restored = await restore({ dumpPath, databasePath, bytes: exported.bytes, signal });
    const verdict = await checkRestored({ source, restored, leftOut, signal });
    if (file === undefined) showSearch(restored);
    restored.close();
    console.log();
    printLine(
      "dump",
      `${shown(dumpPath)} (${formatBytes(exported.bytes)}, SHA-256 ${exported.sha256})`,
    );
    printLine("database", `${shown(databasePath)}, restored from it`);
    for (const { name, reason } of verdict.leftOut) printLine("left out", `${name}: ${reason}`);
    printLine("result", `${describeVerdict(verdict)} (${since(startMs)} in total)`);
    printLine("proof", proof);
    return verdict.isSame;
  } finally {
    source.close();
  }
}

function describeVerdict({ isSame, leftOut }: Verdict): string {
  if (!isSame) return "THE RESTORED DATABASE DIFFERS";
  if (leftOut.length === 0) return "the restored database is the same";
  const things = leftOut.length === 1 ? "1 thing is" : `${leftOut.length} things are`;
  return `every row and definition in the dump is the same; ${things} left out, as listed above`;
}

async function openCities(output: string): Promise<SourceFile> {
  const startMs = Date.now();
  const path = join(output, "cities.sqlite");
  await createCitiesDatabase(path);
  const source = await openSourceFile(path);
  printLine("source", `${describeSource(source)}, made in ${since(startMs)}`);
  printLine("", CITIES_CREDIT);
  return source;
}

async function openUsersFile(file: string): Promise<SourceFile> {
  const source = await openSourceFile(resolve(file));
  printLine("source", describeSource(source));
  if (source.copied !== undefined) printLine("", source.copied);
  return source;
}

function describeSource(source: SourceFile): string {
  const { tables, objects } = source.schema;
  const contents = [
    formatNumberOf(tables.length, "table"),
    formatNumberOf(totalRows(source), "row"),
    `${formatCount(objects.length)} ${objects.length === 1 ? "index, view or trigger" : "indexes, views and triggers"}`,
  ];
  return `${shown(source.path)} (${formatBytes(source.bytes)}: ${contents.join(", ")})`;
}

async function load(source: SourceFile, api: Api): Promise<LeftOut[]> {
  const startMs = Date.now();
  const total = totalRows(source);
  return withProgress("load", total, async (progress) => {
    const leftOut = await loadFile(source, api, (rows) => {
      progress.update(rows, `${formatCount(rows)} of ${formatCount(total)} rows`);
    });
    progress.end(`${formatNumberOf(total, "row")} through POST /query in ${since(startMs)}`);
    return leftOut;
  });
}

async function exportDump(
  source: SourceFile,
  { api, dumpPath }: { api: Api; dumpPath: string },
): Promise<{ exported: { bytes: number; sha256: string }; proof: string }> {
  const first = await runExport(source, api, "restore");
  const isCompleted = first.status === "completed";
  // Rows that break their own constraints cannot be restored into an object. They are exported nevertheless.
  const view = isCompleted ? first : await runExport(source, api, "checksum");
  for (const warning of view.warnings) printLine("warning", warning);
  const proof = describeProved(first.proof) ?? `failed: ${first.error?.message}`;
  return { exported: await download(api, view, dumpPath), proof };
}

async function runExport(source: SourceFile, api: Api, verify: Verify): Promise<JobView> {
  const startMs = Date.now();
  const total = totalRows(source);
  return withProgress("export", total, async (progress) => {
    const job = await api.startExport(verify);
    const done = await api.waitForExport(job, ({ status, progress: made, proof }) => {
      const phase = proof.state === "running" ? "proving" : status;
      const text = `${phase}, ${formatCount(made.rows)} of ${formatCount(total)} rows, ${formatBytes(made.bytes)}`;
      progress.update(made.rows, text);
    });
    progress.end(`job ${done.jobId} ${done.status} in ${since(startMs)}`);
    return done;
  });
}

/** Throws unless the bytes on disk have the size and SHA-256 that job view and manifest report. */
async function download(
  api: Api,
  view: JobView,
  dumpPath: string,
): Promise<{ bytes: number; sha256: string }> {
  const startMs = Date.now();
  const artifact = view.artifacts[0];
  if (artifact === undefined) throw new Error("the completed job has no artifact");
  const stored = await withProgress("download", artifact.bytes, async (progress) => {
    const onBytes = (bytes: number) => progress.update(bytes, formatBytes(bytes));
    const got = await api.download(view.links.download, { path: dumpPath, onBytes });
    progress.end(`${formatBytes(got.bytes)} in ${since(startMs)}`);
    return got;
  });
  const manifest = await api.manifest(view);
  const listed = manifest.artifacts.find(({ name }) => name === artifact.name);
  for (const [where, reported] of [
    ["job view", artifact],
    ["manifest", listed],
  ] as const) {
    if (reported?.sha256 === stored.sha256 && reported.bytes === stored.bytes) continue;
    throw new Error(
      `the ${where} reports ${reported?.bytes} bytes with SHA-256 ${reported?.sha256}, but the download has ${stored.bytes} with ${stored.sha256}`,
    );
  }
  printLine("checksum", `SHA-256 ${stored.sha256} matches job view and manifest`);
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
    const onBytes = (done: number) => progress.update(done, formatBytes(done));
    const restored = await restoreDump({ dumpPath, databasePath }, { onBytes, signal });
    progress.end(`into ${shown(databasePath)} in ${since(startMs)}`);
    return restored;
  });
}

function showSearch(restored: DatabaseSync): void {
  const words = "santa cruz";
  printLine("search", `"${words}" in the restored full-text index finds`);
  for (const place of searchCities(restored, words)) printLine("", place);
}
