import { randomUUID } from "node:crypto";
import { dirname } from "node:path";

import type { ErrorCode } from "../src/api/error-codes.ts";
import { findCompression } from "../src/api/compressions.ts";
import { findFormat, FORMAT_DEFAULT } from "../src/api/formats.ts";
import type { Job } from "./answers.ts";
import type { ApiClient, RequestBody } from "./api-client.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import { downloadArtifacts, type DownloadResult } from "./download-artifacts.ts";
import { checkNotEmpty } from "./empty-export.ts";
import { EXIT } from "./exit-codes.ts";
import { followJob, requireCompleted } from "./follow-job.ts";
import { GRACE_MS, graceSignal } from "./grace-signal.ts";
import type { Host } from "./host.ts";
import { makeFolder } from "./output-place.ts";
import { findFileKind } from "./partial-file.ts";
import { hasEnded } from "./poll-job.ts";
import {
  findResumeRecord,
  removeResumeRecord,
  resumePathOf,
  writeResumeRecord,
} from "./resume-record.ts";
import { requireSqliteOutput, type SqliteExtras } from "./sqlite-output.ts";
import type { Terminal } from "./terminal.ts";

/** A person who did not choose `live` may believe that all rows are of one instant. */
const LIVE_BY_DEFAULT =
  "live is the default for this source; use --consistency snapshot for all rows at one instant";

export interface DumpRequest {
  client: ApiClient;
  terminal: Terminal;
  host: Pick<Host, "stdout" | "interrupt">;
  request: RequestBody;
  output: string;
  /** How long the export may take, without the download. */
  timeoutMs: number | undefined;
  /** True to start a new export even if an unfinished one with this output exists. */
  isFresh: boolean;
  /** True to fail, before anything is written, if the export contains no rows. */
  failIfEmpty: boolean;
  /** For an SQLite file. Default: none. */
  extras?: SqliteExtras;
}

/**
 * Makes a verified file: starts a job, follows it, downloads its files. Before it starts the job, it saves its
 * Idempotency-Key next to the output. The same call after a crash therefore finds the same job and resumes the same
 * partial file. Ctrl-C or a timeout during the export cancels it.
 */
export async function dumpJob(dump: DumpRequest): Promise<DownloadResult> {
  const { client, terminal, host, output, extras } = dump;
  await requireSqliteOutput(output, dump.request, extras);
  const isStream = output === "-" || (await findFileKind(output)) === "device";
  const { job, forget } = isStream ? await startStream(dump) : await startOrResume(dump);
  let ended: Job;
  try {
    if (client.signal.aborted) throw new Interrupted();
    ended = await followJob(client, terminal, { jobId: job.jobId, timeoutMs: dump.timeoutMs });
  } catch (error) {
    if (!(error instanceof CliError) || !isGivingUp(error)) {
      throw keepsRunning(error, job.jobId, isStream);
    }
    const cancelled = await cancelNow(client, job.jobId);
    if (cancelled === undefined) await forget();
    throw gaveUp(error, job.jobId, cancelled);
  }
  if (ended.status !== "completed") await forget();
  requireCompleted(ended);
  try {
    checkNotEmpty(ended, { request: dump.request, isFailure: dump.failIfEmpty, terminal });
  } catch (error) {
    // Otherwise the same command would find this export again instead of starting a new one.
    await forget();
    throw error;
  }
  for (const warning of ended.warnings) terminal.warn(warning);
  const { jobId } = ended;
  let result: DownloadResult;
  try {
    result = await downloadArtifacts({ client, terminal, host, jobId, output, extras });
  } catch (error) {
    // The export does not fit the output, and never will.
    if (error instanceof CliError && error.is("usage")) await forget();
    throw error;
  }
  if (result.requestedConsistency === "live" && dump.request["consistency"] === undefined) {
    terminal.note(LIVE_BY_DEFAULT);
  }
  await forget();
  return result;
}

/**
 * Returns the default output: a file in the working directory, named after the source. A request without a source
 * means the Worker's only source, or `main`.
 */
export async function findDumpOutput(
  client: Pick<ApiClient, "findSources">,
  request: RequestBody,
): Promise<string> {
  const object = request["name"] ?? request["id"];
  const name = request["source"] ?? (await findDefaultSource(client));
  const source = [name, ...(object === undefined ? [] : [object])]
    .map((part) => String(part).replaceAll(/[^\w.-]/g, "_"))
    .join("-");
  const format = String(request["format"] ?? FORMAT_DEFAULT);
  // An unknown format may produce several files too.
  if (findFormat(format)?.hasFilePerTable !== false) return `${source}-${format}/`;
  const { suffix = "" } = findCompression(String(request["compression"])) ?? {};
  return `${source}.${format}${suffix}`;
}

async function findDefaultSource(client: Pick<ApiClient, "findSources">): Promise<string> {
  const { sources = [] } = (await client.findSources()) ?? {};
  const [only, ...others] = sources;
  return only !== undefined && others.length === 0 ? only.name : "main";
}

interface Started {
  job: Job;
  /** Removes the record next to the output. */
  forget: () => Promise<void>;
}

/** Output to a pipe or device cannot be resumed: nothing is recorded. */
async function startStream({ client, terminal, request }: DumpRequest): Promise<Started> {
  const job = await client.startJob(request, randomUUID(), graceSignal(client.signal));
  terminal.note(`export ${job.jobId} started`);
  return { job, forget: async () => undefined };
}

async function startOrResume(dump: DumpRequest): Promise<Started> {
  const { client, terminal, request, output } = dump;
  const signal = graceSignal(client.signal);
  const path = resumePathOf(output);
  await makeFolder(dirname(path));
  const of = { url: client.url, request, nowMs: Date.now() };
  const forget = () => removeResumeRecord(path);
  const known = dump.isFresh ? undefined : await findResumeRecord(path, of);
  if (known !== undefined) {
    const job = await resume(client, request, known.idempotencyKey, signal);
    if (job !== undefined && (!hasEnded(job) || job.status === "completed")) {
      terminal.note(`resuming export ${job.jobId} of ${job.createdAt} (--fresh starts a new one)`);
      return { job, forget };
    }
  }
  const record = await writeResumeRecord(path, of);
  try {
    const job = await client.startJob(request, record.idempotencyKey, signal);
    terminal.note(`export ${job.jobId} started`);
    return { job, forget };
  } catch (error) {
    // The Worker refused the request, so nothing can be resumed.
    if (error instanceof CliError && !error.is("unreachable") && !error.is("interrupted"))
      await forget();
    throw error;
  }
}

/** Returns the job of a known key; undefined if the Worker now interprets the request differently. */
async function resume(
  client: ApiClient,
  request: RequestBody,
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Job | undefined> {
  try {
    return await client.startJob(request, idempotencyKey, signal);
  } catch (error) {
    const code: ErrorCode = "idempotency-key-reused";
    if (error instanceof CliError && error.code === code) return undefined;
    throw error;
  }
}

function isGivingUp(error: CliError): boolean {
  return error instanceof Interrupted || error.is("timeout");
}

/** Returns undefined if it worked; otherwise the reason why it did not. */
async function cancelNow(client: ApiClient, jobId: string): Promise<string | undefined> {
  try {
    await client.removeJob(jobId, {
      signal: AbortSignal.timeout(GRACE_MS),
      retry: { ...client.retry, retries: Math.min(client.retry.retries, 2) },
    });
    return undefined;
  } catch (error) {
    if (error instanceof Interrupted) return "no answer in time";
    return error instanceof Error ? error.message : String(error);
  }
}

function gaveUp(error: CliError, jobId: string, why: string | undefined): CliError {
  const outcome =
    why === undefined
      ? `export ${jobId} was cancelled`
      : `export ${jobId} may still be running, because cancelling it failed (${why})`;
  const hint =
    why === undefined ? undefined : `End it with \`npx durable-export cancel ${jobId}\`.`;
  if (error instanceof Interrupted) return new Interrupted(`interrupted: ${outcome}`, hint);
  return new CliError("timeout", `timed out: ${outcome}`, { exitCode: EXIT.failed, hint });
}

/** The connection is lost, but the export continues. */
function keepsRunning(error: unknown, jobId: string, isStream: boolean): unknown {
  if (!(error instanceof CliError) || !error.is("unreachable")) return error;
  return new CliError("unreachable", `${error.message}; export ${jobId} continues on the Worker`, {
    exitCode: error.exitCode,
    hint: isStream
      ? `Follow it with \`npx durable-export wait ${jobId}\`, and then download it.`
      : "Run the same command again: it finds the same export.",
    cause: error,
  });
}
