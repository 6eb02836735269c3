import { randomUUID } from "node:crypto";

import type { ErrorCode } from "../src/api/error-codes.ts";
import type { ApiClient } from "./api-client.ts";
import { checkScript } from "./check-script.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { MemberChoice } from "./fleet-client.ts";
import { followRestore, requireRestored } from "./follow-restore.ts";
import { formatBytes } from "./format.ts";
import { graceSignal } from "./grace-signal.ts";
import type { Host } from "./host.ts";
import { hasEnded } from "./poll-job.ts";
import type { Restore, Upload } from "./restore-answers.ts";
import { type RestoreBody, RestoreClient } from "./restore-client.ts";
import type { ScriptInput } from "./script-input.ts";
import type { Terminal } from "./terminal.ts";
import {
  findRestoreKey,
  findUploadRecord,
  removeUploadRecord,
  type UploadKey,
  uploadRecordPath,
  writeUploadRecord,
} from "./upload-record.ts";
import { countStoredBytes, uploadScript } from "./upload-script.ts";

/** A restore to run in the Worker. */
export interface RestoreJob {
  api: ApiClient;
  terminal: Terminal;
  host: Pick<Host, "env">;
  /** The body of `POST /import/dump` without `from`. */
  request: RestoreBody;
  timeoutMs: number | undefined;
}

/**
 * Restores an export of the deployment, or a member of a fleet, and follows the restore to its end. Ctrl-C leaves the
 * restore running. Errors: the Worker's own, those of `requireRestored`.
 */
export async function restoreStored(
  job: RestoreJob,
  from: { jobId: string } | ({ fleetId: string } & MemberChoice),
): Promise<Restore> {
  const { api, terminal, request } = job;
  const body = { from, ...request };
  const signal = graceSignal(api.signal);
  const restore = await new RestoreClient(api).start(body, randomUUID(), signal);
  terminal.note(`restore ${restore.jobId} started`);
  const ended = await follow(job, restore);
  requireRestored(ended);
  return ended;
}

/**
 * Checks a script, uploads it, restores it, and follows the restore to its end. After a crash or Ctrl-C, the same
 * call finds the same upload, with the parts that arrived, and the same restore. `isFresh` ignores both. Ctrl-C
 * leaves a restore running. Errors: those of `checkScript`, `uploadScript`, `requireRestored`, and the Worker's
 * own.
 */
export async function restoreScript(
  job: RestoreJob,
  script: ScriptInput,
  { isFresh }: { isFresh: boolean },
): Promise<Restore> {
  const { api, terminal } = job;
  const sha256 = await checkScript(script, { terminal, signal: api.signal });
  const notes = new UploadNotes(job, { url: api.url, identity: script.identity, sha256 });
  const { restore, fileId } = await startOrResume(job, { script, sha256, notes, isFresh });
  const ended = await follow(job, restore);
  // After a failure, the next call needs the upload for another restore.
  if (ended.status === "completed") await notes.forget();
  else await notes.write({ fileId, restore: null });
  requireRestored(ended, script.dump === undefined ? script.shown : undefined);
  return ended;
}

/**
 * The record of one upload. If the disk cannot store it, the user gets a warning, since the restore does not depend
 * on it.
 */
class UploadNotes {
  readonly #terminal: Terminal;
  readonly #key: UploadKey;
  readonly #path: string;
  #isBroken = false;

  constructor({ terminal, host }: Pick<RestoreJob, "terminal" | "host">, key: UploadKey) {
    this.#terminal = terminal;
    this.#key = key;
    this.#path = uploadRecordPath(key, host.env);
  }

  find() {
    return findUploadRecord(this.#path, this.#key);
  }

  async write(rest: Parameters<typeof writeUploadRecord>[2]): Promise<void> {
    if (this.#isBroken) return;
    try {
      await writeUploadRecord(this.#path, this.#key, rest);
    } catch (error) {
      this.#isBroken = true;
      const message = error instanceof Error ? error.message : String(error);
      this.#terminal.note(`this upload cannot be resumed by another call: ${message}`);
    }
  }

  async forget(): Promise<void> {
    if (!this.#isBroken) await removeUploadRecord(this.#path);
  }
}

async function startOrResume(
  job: RestoreJob,
  upload: { script: ScriptInput; sha256: string; notes: UploadNotes; isFresh: boolean },
): Promise<{ restore: Restore; fileId: string }> {
  const { api, terminal, request } = job;
  const { notes, isFresh } = upload;
  const client = new RestoreClient(api);
  const known = isFresh ? undefined : await notes.find();
  if (known !== undefined) {
    const key = findRestoreKey(known, request, Date.now());
    const found = key === undefined ? undefined : await resume(job, known.fileId, key);
    if (found !== undefined) {
      terminal.note(
        `continuing with restore ${found.jobId} of ${found.createdAt} (--fresh starts a new one)`,
      );
      return { restore: found, fileId: known.fileId };
    }
  }
  const fileId = await uploadOrResume(client, { ...job, ...upload, fileId: known?.fileId });
  const idempotencyKey = randomUUID();
  const startedAt = new Date().toISOString();
  await notes.write({ fileId, restore: { request, idempotencyKey, startedAt } });
  const body = { from: { fileId }, ...request };
  try {
    const restore = await client.start(body, idempotencyKey, graceSignal(api.signal));
    terminal.note(`restore ${restore.jobId} started`);
    return { restore, fileId };
  } catch (error) {
    // The Worker refused the request. The next call sends a new one for the same upload.
    const isRefusal =
      error instanceof CliError && !error.is("unreachable") && !error.is("interrupted");
    if (isRefusal) await notes.write({ fileId, restore: null });
    throw error;
  }
}

/** Returns the restore of a known key if it still runs or has succeeded; undefined if a new one is needed. */
async function resume(
  { api, request }: RestoreJob,
  fileId: string,
  idempotencyKey: string,
): Promise<Restore | undefined> {
  const body = { from: { fileId }, ...request };
  try {
    const client = new RestoreClient(api);
    const found = await client.start(body, idempotencyKey, graceSignal(api.signal));
    return !hasEnded(found) || found.status === "completed" ? found : undefined;
  } catch (error) {
    // Another request has the key by now, or nothing was started and the upload is gone.
    const codes: ErrorCode[] = ["idempotency-key-reused", "file-not-found", "file-not-complete"];
    if (error instanceof CliError && codes.some((code) => error.code === code)) return undefined;
    throw error;
  }
}

/** Returns the id of a completed upload: `fileId`, after its missing parts are uploaded, or a new upload. */
async function uploadOrResume(
  client: RestoreClient,
  task: Pick<RestoreJob, "api" | "terminal"> & {
    script: ScriptInput;
    sha256: string;
    notes: UploadNotes;
    fileId: string | undefined;
  },
): Promise<string> {
  const { api, terminal, script, sha256, notes, fileId } = task;
  const { name, bytes, path, shown } = script;
  const known = fileId === undefined ? undefined : await client.findUpload(fileId);
  if (known?.status === "completed") {
    terminal.note(`${shown} is already uploaded`);
    return known.fileId;
  }
  const upload = known ?? (await client.startUpload({ name, bytes, sha256 }));
  if (known === undefined) await notes.write({ fileId: upload.fileId, restore: null });
  else noteResumed(terminal, known, bytes);
  try {
    const { signal } = api;
    await uploadScript({ client, terminal, signal, upload, path, shown, bytes, sha256 });
  } catch (error) {
    const differs: ErrorCode = "file-differs";
    if (error instanceof CliError && error.code === differs) await notes.forget();
    throw explainStop(error, shown);
  }
  return upload.fileId;
}

function noteResumed(terminal: Terminal, upload: Upload, bytes: number): void {
  const stored = countStoredBytes(upload, bytes);
  if (stored === 0) return;
  terminal.note(`resuming the upload: ${formatBytes(stored)} of ${formatBytes(bytes)} are stored`);
}

/** An upload that stops loses nothing. */
function explainStop(error: unknown, shown: string): unknown {
  const hint = "Run the same command again: it resumes the upload.";
  if (error instanceof Interrupted) {
    return new Interrupted(`interrupted while ${shown} was uploaded; nothing was restored`, hint);
  }
  if (!(error instanceof CliError) || !error.is("unreachable")) return error;
  return new CliError("unreachable", error.message, {
    exitCode: error.exitCode,
    hint,
    cause: error,
  });
}

/** Follows a restore. If this program stops before it ends, the error says that the restore continues. */
async function follow(
  { api, terminal, timeoutMs }: RestoreJob,
  restore: Restore,
): Promise<Restore> {
  const { jobId } = restore;
  try {
    if (api.signal.aborted) throw new Interrupted();
    return await followRestore(api, terminal, { jobId, timeoutMs });
  } catch (error) {
    const hint = `Follow it with \`npx durable-export wait ${jobId}\`, or cancel it with \`npx durable-export cancel ${jobId}\`.`;
    if (error instanceof Interrupted) {
      throw new Interrupted(`interrupted: restore ${jobId} continues without this program`, hint);
    }
    if (!(error instanceof CliError)) throw error;
    if (!error.is("unreachable") && !error.is("timeout")) throw error;
    const code = error.is("timeout") ? "timeout" : "unreachable";
    throw new CliError(code, `${error.message}; restore ${jobId} continues`, {
      exitCode: code === "timeout" ? EXIT.failed : EXIT.refused,
      hint,
      cause: error,
    });
  }
}
