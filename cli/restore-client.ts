import type { ErrorCode } from "../src/api/error-codes.ts";
import type { JobState } from "../src/api/job-state.ts";
import type { RestoreRequestInput } from "../src/api/restore-request.ts";
import type { Call } from "./api-caller.ts";
import { type ApiClient, type JobPage, toSearch } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import {
  type Restore,
  RestoreListSchema,
  RestoreSchema,
  type Upload,
  UploadSchema,
} from "./restore-answers.ts";

/** At 230 kbit/s, a part of 16 MiB takes this long. Completing an upload reads the file back. */
const TRANSFER_TIMEOUT_MS = 600_000;

/** The body of `POST /import/dump`, with the values that the user typed: the Worker checks them. */
export type RestoreBody = Partial<Record<keyof RestoreRequestInput, unknown>>;

/** The API's calls for restores and uploads. Errors and repeats are those of `ApiClient`. */
export class RestoreClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Starts a restore, or returns the restore that this key already started. */
  start(body: RestoreBody, idempotencyKey: string, signal?: AbortSignal): Promise<Restore> {
    return this.#api.json(RestoreSchema, {
      method: "POST",
      path: "/import/dump",
      headers: { "idempotency-key": idempotencyKey },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  get(jobId: string): Promise<Restore> {
    return this.#api.json(RestoreSchema, { method: "GET", path: restorePath(jobId) });
  }

  /**
   * Cancels a running restore; removes an ended one unless `only` is `cancel`. Idempotent. Returns null after a
   * removal.
   */
  async remove(
    jobId: string,
    { only, ...options }: Pick<Call, "signal" | "retry"> & { only?: "cancel" } = {},
  ): Promise<JobState | null> {
    const path = `${restorePath(jobId)}${only === undefined ? "" : `?only=${only}`}`;
    const answer = await this.#api.call({ method: "DELETE", path, ...options });
    if (answer.response.status === 204) return null;
    return this.#api.check(RestoreSchema, answer).status;
  }

  list(page: JobPage): Promise<{ jobs: Restore[]; cursor: string | null }> {
    return this.#api.json(RestoreListSchema, {
      method: "GET",
      path: `/import/jobs?${toSearch(page)}`,
    });
  }

  startUpload(file: { name: string; bytes: number; sha256: string }): Promise<Upload> {
    const body = { ...file };
    return this.#api.json(UploadSchema, { method: "POST", path: "/import/files", body });
  }

  /** Returns the upload; undefined if the Worker no longer has it. */
  async findUpload(fileId: string): Promise<Upload | undefined> {
    try {
      return await this.#api.json(UploadSchema, { method: "GET", path: filePath(fileId) });
    } catch (error) {
      const gone: ErrorCode = "file-not-found";
      if (error instanceof CliError && error.code === gone) return undefined;
      throw error;
    }
  }

  /** Uploads part `number`, from 1. Repeatable. */
  async putPart(
    fileId: string,
    number: number,
    part: { bytes: Uint8Array<ArrayBuffer>; sha256: string; signal: AbortSignal },
  ): Promise<void> {
    await this.#api.call({
      method: "PUT",
      path: `${filePath(fileId)}/parts/${number}`,
      headers: { "content-sha256": part.sha256 },
      bytes: part.bytes,
      timeoutMs: TRANSFER_TIMEOUT_MS,
      signal: part.signal,
    });
  }

  completeUpload(fileId: string, body: { parts: number; sha256: string }): Promise<Upload> {
    return this.#api.json(UploadSchema, {
      method: "POST",
      path: `${filePath(fileId)}/complete`,
      body,
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
  }
}

function restorePath(jobId: string): string {
  return `/import/dump/${encodeURIComponent(jobId)}`;
}

function filePath(fileId: string): string {
  return `/import/files/${encodeURIComponent(fileId)}`;
}
