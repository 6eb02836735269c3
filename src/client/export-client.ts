import type { ErrorCode } from "../api/errors.ts";
import type { ExportRequestInput } from "../api/export-request.ts";
import type { JobState } from "../api/job-state.ts";
import type { JobList, JobView } from "../api/job-view.ts";
import type { Manifest } from "../api/manifest.ts";
import type { QueryInput, QueryRow } from "../api/query-request.ts";
import type { RestoreRequestInput } from "../api/restore-request.ts";
import type { RestoreList, RestoreView } from "../api/restore-view.ts";
import type { SourceList } from "../api/source-list.ts";
import type { StreamRequestInput } from "../api/stream-query.ts";
import { parseRetryAfterMs } from "../lib/retry-after.ts";
import { ExportApiError, readApiError } from "./export-api-error.ts";
import { readServerSentEvents } from "./server-sent-events.ts";
import { wait } from "./wait.ts";

/** Repeats of a call after its first attempt, and connections of `events` in a row that bring nothing. */
const RETRIES_DEFAULT = 3;

/** The wait before the first repeat if the answer asks for none; it doubles each time. */
const RETRY_MS = 1_000;

/** A longer `Retry-After` is cut to this. */
const RETRY_MS_MAX = 120_000;

/** The wait before `events` connects again. */
const RECONNECT_MS = 2_000;

/** Answers with status 503 that no wait changes. */
const LASTING_CODES: readonly string[] = [
  "configuration-invalid",
  "jobs-database-newer",
] satisfies ErrorCode[];

export interface ExportClientOptions {
  /** The Worker's URL, with the path that the routes are mounted at, if there is one. */
  url: string;
  /** A bearer token of the Worker. It is sent only to `url`: redirects are not followed. */
  token: string;
  /** Sends the requests; default: the global `fetch`. A service binding's is `(...call) => env.EXPORT.fetch(...call)`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** How often a call that may be repeated is repeated after 429 or 503; default 3. */
  retries?: number | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborts the call and its waits, which then throw the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface StartOptions extends CallOptions {
  /** A repeat with the same key returns the same job. Default: a random key for each call of `start`. */
  idempotencyKey?: string | undefined;
}

/** Which jobs `list` returns. */
export interface ListFilter extends CallOptions {
  status?: JobState | undefined;
  /** 1 to 100; default 20. */
  limit?: number | undefined;
  /** The `cursor` of the page before. */
  cursor?: string | undefined;
}

export interface WaitOptions<View = JobView> extends CallOptions {
  /** Called with each view that differs from the one before, at most twice a second, and with the last one. */
  onProgress?: ((job: View) => void) | undefined;
}

export interface EventsOptions extends CallOptions {
  /** The `id` of the last event that was received: only later ones follow. */
  lastEventId?: string | undefined;
}

/** An event of an export or a restore: it has changed, it has ended, or it was removed. */
export type JobEvent<View = JobView> =
  | { type: "progress" | "end"; id: string; job: View }
  | { type: "deleted"; id: string; job: null };

export interface DownloadOptions extends CallOptions {
  /** One artifact by its name; default: the only one, or a ZIP of all. */
  artifact?: string | undefined;
  /** More request headers, such as `Range` or `If-None-Match`. */
  headers?: Readonly<Record<string, string>> | undefined;
}

interface Call extends CallOptions {
  method?: "GET" | "POST" | "DELETE";
  path: string;
  /** The job that the call names. */
  jobId?: string;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
  /** False for a call that may do something twice; default true. */
  mayRepeat?: boolean;
}

/**
 * Speaks the HTTP API by `fetch`, in browsers, Node, Deno and Workers. A refused call throws an `ExportApiError`;
 * a failed connection throws what `fetch` throws. After 429 or 503 every call but `query` and `transaction` is repeated, after the
 * wait that `Retry-After` asks for (at most 2 minutes), else after 1, 2 and 4 seconds.
 */
export class ExportClient {
  readonly #url: string;
  readonly #token: string;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly #retries: number;

  /** Throws a TypeError if `url` is not a URL. */
  constructor(options: ExportClientOptions) {
    const { origin, pathname } = new URL(options.url);
    this.#url = `${origin}${pathname.replace(/\/+$/, "")}`;
    this.#token = options.token;
    // The global `fetch` must not be called as a method of something else.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#retries = options.retries ?? RETRIES_DEFAULT;
  }

  /** Starts an export, and returns its job. Errors: among others `export-already-running`, with the running `jobId`. */
  async start(
    request: ExportRequestInput = {},
    { idempotencyKey = makeRandomKey(), signal }: StartOptions = {},
  ): Promise<JobView> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#readJson({ method: "POST", path: "/export/dump", headers, body: request, signal });
  }

  /** Returns a job. Errors: `job-not-found`. */
  async get(jobId: string, { signal }: CallOptions = {}): Promise<JobView> {
    return this.#readJson({ path: jobPath(jobId), jobId, signal });
  }

  /** Returns a page of the jobs, newest first. `cursor` is null on the last page. */
  async list({ signal, ...filter }: ListFilter = {}): Promise<JobList> {
    return this.#readJson({ path: `/export/jobs${formatQuery(filter)}`, signal });
  }

  /** Cancels a job if it runs, and returns it. A job that has ended stays as it is. Errors: `job-not-found`. */
  async cancel(jobId: string, { signal }: CallOptions = {}): Promise<JobView> {
    const path = `${jobPath(jobId)}?only=cancel`;
    return this.#readJson({ method: "DELETE", path, jobId, signal });
  }

  /**
   * Deletes a job that has ended, with its files, or ends a stream, and returns null. A running job is only
   * cancelled and returned, and so is a cancelled one. An unknown job counts as deleted.
   */
  async delete(jobId: string, { signal }: CallOptions = {}): Promise<JobView | null> {
    const response = await this.#send({ method: "DELETE", path: jobPath(jobId), jobId, signal });
    if (response.status === 204) return null;
    const view: JobView = await response.json();
    return view;
  }

  /**
   * Follows a job to its end, and returns it: `completed`, `failed`, `cancelled` or `expired`. Errors: those of
   * `events`; `job-not-found` also if the job is removed meanwhile.
   */
  async wait(jobId: string, options: WaitOptions = {}): Promise<JobView> {
    return waitForEnd(jobId, this.events(jobId, { signal: options.signal }), options);
  }

  /**
   * Lists a job's events as they happen: `progress` when it has changed, then `end` or `deleted`. Connects again
   * after the last event if the connection ends, and throws if that brings nothing `retries` times in a row.
   */
  events(jobId: string, options: EventsOptions = {}): AsyncGenerator<JobEvent, void, void> {
    return this.#follow<JobView>(jobPath(jobId), jobId, options);
  }

  /** Starts a restore, and returns it. Errors: among others `target-not-empty` and `target-not-writable`. */
  async restore(
    request: RestoreRequestInput,
    { idempotencyKey = makeRandomKey(), signal }: StartOptions = {},
  ): Promise<RestoreView> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#readJson({ method: "POST", path: "/import/dump", headers, body: request, signal });
  }

  /** Returns a restore. Errors: `job-not-found`. */
  async getRestore(jobId: string, { signal }: CallOptions = {}): Promise<RestoreView> {
    return this.#readJson({ path: restorePath(jobId), jobId, signal });
  }

  /** Returns a page of the restores, newest first. `cursor` is null on the last page. */
  async listRestores({ signal, ...filter }: ListFilter = {}): Promise<RestoreList> {
    return this.#readJson({ path: `/import/jobs${formatQuery(filter)}`, signal });
  }

  /**
   * Cancels a restore that runs, and returns it; the Worker then cleans its target up. Deletes one that has ended,
   * and returns null. An unknown restore counts as deleted.
   */
  async deleteRestore(jobId: string, { signal }: CallOptions = {}): Promise<RestoreView | null> {
    const call = { method: "DELETE", path: restorePath(jobId), jobId, signal } as const;
    const response = await this.#send(call);
    if (response.status === 204) return null;
    const view: RestoreView = await response.json();
    return view;
  }

  /** Follows a restore to its end, and returns it: `completed`, `failed` or `cancelled`. Errors: as `wait`. */
  async waitForRestore(
    jobId: string,
    options: WaitOptions<RestoreView> = {},
  ): Promise<RestoreView> {
    return waitForEnd(jobId, this.restoreEvents(jobId, { signal: options.signal }), options);
  }

  /** Lists a restore's events as they happen, as `events` does for exports. */
  restoreEvents(
    jobId: string,
    options: EventsOptions = {},
  ): AsyncGenerator<JobEvent<RestoreView>, void, void> {
    return this.#follow<RestoreView>(restorePath(jobId), jobId, options);
  }

  async *#follow<View>(
    path: string,
    jobId: string,
    { signal, lastEventId }: EventsOptions,
  ): AsyncGenerator<JobEvent<View>, void, void> {
    let lastId = lastEventId;
    let failures = 0;
    for (;;) {
      try {
        const { status, body } = await this.#send({
          path: `${path}/events`,
          jobId,
          ...(lastId === undefined ? {} : { headers: { "last-event-id": lastId } }),
          signal,
        });
        // The end is known already.
        if (status === 204 || body === null) return;
        for await (const { type, id, data } of readServerSentEvents(body)) {
          lastId = id;
          failures = 0;
          yield { type, id, job: JSON.parse(data) as unknown } as JobEvent<View>;
          if (type === "end" || type === "deleted") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        failures += 1;
        // `#send` has repeated the call already.
        if (error instanceof ExportApiError || failures > this.#retries) throw error;
      }
      await wait(RECONNECT_MS, signal);
    }
  }

  /** Returns the answer with a file, whose body is not read yet. Errors: among others `export-not-finished`. */
  async download(
    jobId: string,
    { artifact, headers = {}, signal }: DownloadOptions = {},
  ): Promise<Response> {
    const name = artifact === undefined ? "" : `/${encodeURIComponent(artifact)}`;
    return this.#send({ path: `${jobPath(jobId)}/download${name}`, jobId, headers, signal });
  }

  /** Returns a completed job's manifest. Errors: among others `export-not-finished`. */
  async manifest(jobId: string, { signal }: CallOptions = {}): Promise<Manifest> {
    return this.#readJson({ path: `${jobPath(jobId)}/manifest`, jobId, signal });
  }

  /** Returns the databases that the Worker can export, and where it stores files. */
  async sources({ signal }: CallOptions = {}): Promise<SourceList> {
    return this.#readJson({ path: "/export/sources", signal });
  }

  /** Returns the answer with a dump that is read while it is sent, without a job; its body is not read yet. */
  async stream(request: StreamRequestInput = {}, { signal }: CallOptions = {}): Promise<Response> {
    return this.#send({ path: `/export/dump${formatQuery(request)}`, signal });
  }

  /**
   * Runs an SQL text in the embedded database, all or nothing, and returns the rows of its last statement. Is never
   * repeated. Errors: among others `query-failed`.
   */
  async query(query: QueryInput, { signal }: CallOptions = {}): Promise<QueryRow[]> {
    return this.#runQueries<QueryRow[]>(query, signal);
  }

  /** Runs several SQL texts as `query` does, in one transaction, and returns the rows of each. */
  async transaction(
    queries: readonly QueryInput[],
    { signal }: CallOptions = {},
  ): Promise<QueryRow[][]> {
    return this.#runQueries<QueryRow[][]>({ transaction: queries }, signal);
  }

  async #runQueries<T>(body: object, signal: AbortSignal | undefined): Promise<T> {
    const call = { method: "POST", path: "/query", body, mayRepeat: false, signal } as const;
    return (await this.#readJson<{ result: T }>(call)).result;
  }

  async #readJson<T>(call: Call): Promise<T> {
    return (await (await this.#send(call)).json()) as T;
  }

  /** Returns the answer if it is not an error. */
  async #send({ method = "GET", path, headers, body, signal, ...call }: Call): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      const response = await this.#fetch(`${this.#url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
        redirect: "manual",
      });
      // 304 is what a caller asks for with If-None-Match.
      if (response.ok || response.status === 304) return response;
      const error = await readApiError(response, call.jobId);
      if (call.mayRepeat === false || attempt >= this.#retries || !mayPass(error)) throw error;
      const askedMs = parseRetryAfterMs(error.retryAfter ?? null, Date.now());
      await wait(Math.min(askedMs ?? RETRY_MS * 2 ** attempt, RETRY_MS_MAX), signal);
    }
  }
}

function mayPass({ status, code }: ExportApiError): boolean {
  return status === 429 || (status === 503 && !LASTING_CODES.includes(code));
}

async function waitForEnd<View>(
  jobId: string,
  events: AsyncIterable<JobEvent<View>>,
  { onProgress }: WaitOptions<View>,
): Promise<View> {
  for await (const { type, job } of events) {
    if (type === "deleted") break;
    onProgress?.(job);
    if (type === "end") return job;
  }
  const code: ErrorCode = "job-not-found";
  throw new ExportApiError({ status: 404, code, message: "the job was removed", jobId });
}

function restorePath(jobId: string): string {
  return `/import/dump/${encodeURIComponent(jobId)}`;
}

function jobPath(jobId: string): string {
  return `/export/dump/${encodeURIComponent(jobId)}`;
}

/** A list becomes several parameters of one name. */
function formatQuery(values: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** `crypto.randomUUID` is missing in pages that came by plain HTTP. */
function makeRandomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
