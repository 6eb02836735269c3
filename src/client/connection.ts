import type { ErrorCode } from "../api/error-codes.ts";
import { parseRetryAfterMs } from "../lib/retry-after.ts";
import type { CallOptions, ExportClientOptions } from "./client-options.ts";
import { type ExportApiError, readApiError } from "./export-api-error.ts";
import { wait } from "./wait.ts";

/**
 * How many times a call is repeated after its first attempt, and how many connections of `events` in a row may
 * bring nothing.
 */
const RETRIES_DEFAULT = 3;

/** The wait before the first repeat, if the answer requests none. It doubles each time. */
const RETRY_MS = 1_000;

/** A longer `Retry-After` is shortened to this. */
const RETRY_MS_MAX = 120_000;

/** Answers with status 503 that waiting does not change. */
const LASTING_CODES: readonly string[] = [
  "configuration-invalid",
  "jobs-database-newer",
] satisfies ErrorCode[];

/** One call of the API. */
export interface Call extends CallOptions {
  method?: "GET" | "POST" | "DELETE";
  path: string;
  /** The job that the call refers to. */
  jobId?: string;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
  /** False for a call whose repeat could do something twice; default true. */
  mayRepeat?: boolean;
}

/** Sends calls to one Worker, and repeats calls that got a temporary error: 429 or 503. */
export class Connection {
  readonly #url: string;
  readonly #token: string;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly retries: number;

  /** Throws a TypeError if `url` is not a URL. */
  constructor(options: ExportClientOptions) {
    const { origin, pathname } = new URL(options.url);
    this.#url = `${origin}${pathname.replace(/\/+$/, "")}`;
    this.#token = options.token;
    // The global `fetch` must not be called as a method of another object.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.retries = options.retries ?? RETRIES_DEFAULT;
  }

  /** Returns the JSON of an answer. Throws an `ExportApiError`, or whatever error `fetch` throws. */
  async readJson<T>(call: Call): Promise<T> {
    return (await (await this.send(call)).json()) as T;
  }

  /** Returns the answer if it is not an error. Throws as `readJson` does. */
  async send({ method = "GET", path, headers, body, signal, ...call }: Call): Promise<Response> {
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
      // A caller that sends If-None-Match expects 304.
      if (response.ok || response.status === 304) return response;
      const error = await readApiError(response, call.jobId);
      if (call.mayRepeat === false || attempt >= this.retries || !mayPass(error)) throw error;
      const askedMs = parseRetryAfterMs(error.retryAfter ?? null, Date.now());
      await wait(Math.min(askedMs ?? RETRY_MS * 2 ** attempt, RETRY_MS_MAX), signal);
    }
  }
}

function mayPass({ status, code }: ExportApiError): boolean {
  return status === 429 || (status === 503 && !LASTING_CODES.includes(code));
}
