import { mkdirSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { formatBytes, formatCount, formatNumberOf } from "../cli/format.ts";
import { Api } from "./api.ts";
import { CITIES_CREDIT, createCitiesDatabase, searchCities } from "./cities-database.ts";
import { checkRestored } from "./check-restored.ts";
import type { Verdict } from "./check-restored.ts";
import { exportDump, load } from "./export-file.ts";
import { runFleetDemo } from "./fleet.ts";
import { restoreFromCopy } from "./offsite.ts";
import { printLine, since, withProgress } from "./progress.ts";
import { restoreDump } from "./restore.ts";
import { shownPath } from "./shown-path.ts";
import { openSourceFile, totalRows } from "./source-file.ts";
import type { SourceFile } from "./source-file.ts";
import type { LeftOut } from "./schema.ts";
import { UnusableFile } from "../cli/unusable-file.ts";
import { withWorker } from "./with-worker.ts";

const USAGE = `npm run demo                         exports the cities of the world
npm run demo -- path/to/any.sqlite   exports your database file, which is only read
  --offsite                            restores only from a sealed copy in S3, without the Worker
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
  /** True to restore from a copy elsewhere. */
  offsite: boolean;
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
        offsite: { type: "boolean", default: false },
        fleet: { type: "string" },
        rows: { type: "string" },
      },
    });
    const { fleet, rows, offsite } = values;
    const isFleet = fleet !== undefined;
    if (positionals.length > (isFleet ? 0 : 1) || (!isFleet && rows !== undefined))
      return undefined;
    if (isFleet && offsite) return undefined;
    return {
      file: positionals[0],
      fleet: isFleet
        ? { tenants: parseCount(fleet, TENANTS_MAX), notes: parseCount(rows ?? "20", NOTES_MAX) }
        : undefined,
      output: resolve(values.output),
      offsite,
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

/** A restored database, and the lines that describe how it came about. */
interface Restored {
  restored: DatabaseSync;
  leftOut: LeftOut[];
  /** What it was restored from. */
  from: string;
  proof: string;
}

/** True if the restored database has everything that a dump can contain. */
async function runDemo({ file, output, offsite }: Options, signal: AbortSignal): Promise<boolean> {
  const startMs = Date.now();
  mkdirSync(output, { recursive: true });
  const source = file === undefined ? await openCities(output) : await openUsersFile(file);
  const name = basename(source.path, extname(source.path));
  const databasePath = join(output, `${name}.restored.sqlite`);
  const copyPath = join(output, `${name}.copy`);
  try {
    const { restored, leftOut, from, proof } = offsite
      ? await restoreFromCopy(source, { copyPath, databasePath, signal })
      : await restoreFromWorker(source, {
          dumpPath: join(output, `${name}.dump.sql`),
          databasePath,
          signal,
        });
    const verdict = await checkRestored({ source, restored, leftOut, signal });
    if (file === undefined) showSearch(restored);
    restored.close();
    console.log();
    printLine(offsite ? "copy" : "dump", from);
    printLine("database", `${shownPath(databasePath)}, restored from it`);
    for (const { name, reason } of verdict.leftOut) printLine("left out", `${name}: ${reason}`);
    printLine("result", `${describeVerdict(verdict)} (${since(startMs)} in total)`);
    printLine("proof", proof);
    return verdict.isSame;
  } finally {
    source.close();
  }
}

async function restoreFromWorker(
  source: SourceFile,
  paths: { dumpPath: string; databasePath: string; signal: AbortSignal },
): Promise<Restored> {
  const { dumpPath, databasePath, signal } = paths;
  const { leftOut, exported, proof } = await withWorker(signal, async (worker) => {
    const api = new Api({ url: worker.url, token: worker.token, signal });
    const leftOut = await load(source, api);
    return { leftOut, ...(await exportDump(source, { api, dumpPath })) };
  });
  const { bytes, sha256 } = exported;
  const restored = await restore({ dumpPath, databasePath, bytes, signal });
  const from = `${shownPath(dumpPath)} (${formatBytes(bytes)}, SHA-256 ${sha256})`;
  return { restored, leftOut, from, proof };
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
  return `${shownPath(source.path)} (${formatBytes(source.bytes)}: ${contents.join(", ")})`;
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
    progress.end(`into ${shownPath(databasePath)} in ${since(startMs)}`);
    return restored;
  });
}

function showSearch(restored: DatabaseSync): void {
  const words = "santa cruz";
  printLine("search", `"${words}" in the restored full-text index finds`);
  for (const place of searchCities(restored, words)) printLine("", place);
}
