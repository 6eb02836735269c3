import * as v from "valibot";

import type { ErrorCode } from "../src/api/error-codes.ts";
import { VERSION } from "../src/api/version.ts";
import { parseJson } from "../src/lib/parse-json.ts";
import { type Problem, ProblemSchema } from "./answers.ts";
import { CliError, Interrupted, throwIfInterrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatSeconds, oneLine } from "./format.ts";
import { describeNetworkError } from "./network-error.ts";
import { backoffMs, retryAfterMs, type RetryPolicy, wait } from "./retry.ts";
import { findHint } from "./worker-hints.ts";

/**
 * How long an answer that is a document may take; downloads have their own timeout between bytes.
 */
const ANSWER_TIMEOUT_MS = 60_000;
/** How much of an error response is read. */
const ERROR_TEXT_CHARS_MAX = 64 * 1024;

/** Statuses of 500 and higher that waiting does not change. */
const LASTING: ReadonlySet<string> = new Set<ErrorCode>([
  "configuration-invalid",
  "inline-storage-full",
]);

export interface ApiCallerOptions {
  url: string;
  token: string;
  retry: RetryPolicy;
  /** Ends waits and calls, unless a call has its own signal. */
  signal: AbortSignal;
  /** Called before each repeat. */
  onRetry: (line: string) => void;
}

/** One call of the API. */
export interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent unchanged, instead of `body`. */
  bytes?: Uint8Array<ArrayBuffer>;
  /** How long the answer may take, in milliseconds. Default: a minute. */
  timeoutMs?: number;
  /** Default: the client's. */
  signal?: AbortSignal;
  /** Default: the client's policy. */
  retry?: RetryPolicy;
  /** Redirects are followed only for downloads, which may be in a bucket, and never with the token. */
  redirect?: "follow" | "manual";
  /** True if the response body has no known end. */
  isDownload?: boolean;
}

/** A successful response. A document's body is read; a download's body is left to the caller. */
export interface Answer {
  response: Response;
  text: string;
}

/**
 * Calls the HTTP API. Network errors, 429 and 5xx are retried with growing waits, or after the time
 * in `Retry-After`. Every call may be repeated, because a start carries an Idempotency-Key.
 * Failures are `CliError`s, whose text never contains the token, or `Interrupted` if the signal
 * ends the call. Paths are built only from the configured URL and ids: links in responses are not
 * followed, so that no response can redirect the token elsewhere.
 */
export class ApiCaller {
  readonly #options: ApiCallerOptions;

  constructor(options: ApiCallerOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  get retry(): RetryPolicy {
    return this.#options.retry;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** Calls the API and returns the answer's document. Errors: those of `call` and `check`. */
  async json<const TSchema extends v.GenericSchema>(
    schema: TSchema,
    call: Call,
  ): Promise<v.InferOutput<TSchema>> {
    return this.check(schema, await this.call(call));
  }

  /** Returns an answer's document. Errors: `not-durable-export` if it does not match `schema`. */
  check<const TSchema extends v.GenericSchema>(
    schema: TSchema,
    { text, response }: Answer,
  ): v.InferOutput<TSchema> {
    const parsed = v.safeParse(schema, parseJson(text));
    if (parsed.success) return parsed.output;
    throw this.refuseAnswer(response);
  }

  /** Returns a successful response. Repeats the call after temporary errors. */
  async call(call: Call): Promise<Answer> {
    const signal = call.signal ?? this.#options.signal;
    const policy = call.retry ?? this.#options.retry;
    for (let attempt = 0; ; attempt += 1) {
      throwIfInterrupted(signal);
      const outcome = await this.#try(call, signal);
      if ("response" in outcome) return outcome;
      if (!outcome.retryable || attempt >= policy.retries) throw outcome.error;
      const waitMs = outcome.waitMs ?? backoffMs(policy, attempt);
      this.#options.onRetry(
        `${outcome.error.message}: retrying in ${formatSeconds(Math.ceil(waitMs / 1000))}`,
      );
      await wait(waitMs, signal);
    }
  }

  async #try(
    call: Call,
    signal: AbortSignal,
  ): Promise<Answer | { error: CliError; retryable: boolean; waitMs?: number | undefined }> {
    let response: Response;
    try {
      response = await this.#fetch(call, signal);
      if (response.ok) {
        return { response, text: call.isDownload === true ? "" : await response.text() };
      }
    } catch (error) {
      if (signal.aborted) throw new Interrupted();
      return { error: this.#unreachable(error), retryable: describeNetworkError(error).retryable };
    }
    const text = await readStart(response);
    const problem = v.safeParse(ProblemSchema, parseJson(text));
    const isPassing =
      (response.status === 429 || response.status >= 500) &&
      !(problem.success && LASTING.has(problem.output.code));
    return {
      error: problem.success
        ? refusal(this.#options.url, response.status, { ...problem.output, path: call.path })
        : this.refuseAnswer(response, text),
      retryable: isPassing,
      waitMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
    };
  }

  #fetch(call: Call, signal: AbortSignal): Promise<Response> {
    const timeout =
      call.isDownload === true ? [] : [AbortSignal.timeout(call.timeoutMs ?? ANSWER_TIMEOUT_MS)];
    return fetch(`${this.#options.url}${call.path}`, {
      method: call.method,
      headers: {
        accept: "application/json, application/problem+json, */*;q=0.5",
        authorization: `Bearer ${this.#options.token}`,
        "user-agent": `durable-export/${VERSION}`,
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...(call.bytes === undefined ? {} : { "content-type": "application/octet-stream" }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.bytes === undefined ? {} : { body: call.bytes }),
      redirect: call.redirect ?? "manual",
      signal: AbortSignal.any([signal, ...timeout]),
    });
  }

  #unreachable(error: unknown): CliError {
    const { words } = describeNetworkError(error);
    return new CliError("unreachable", `${this.#options.url} cannot be reached: ${words}`, {
      exitCode: EXIT.refused,
      cause: error,
    });
  }

  /**
   * Returns the error of a response that no Durable Export Worker sends: usually a wrong URL, or a gateway's error page.
   */
  protected refuseAnswer(response: Response, text = ""): CliError {
    const { status, headers } = response;
    const location = headers.get("location");
    if (status >= 300 && status < 400 && location !== null) {
      return new CliError(
        "redirected",
        `${this.#options.url} redirects to ${oneLine(location)}, and the token is not sent there`,
        { exitCode: EXIT.refused, hint: "If that is the Worker, pass its URL with --url." },
      );
    }
    if (status === 429 || status >= 500) {
      return new CliError("unreachable", `${this.#options.url} answers with status ${status}`, {
        exitCode: EXIT.refused,
      });
    }
    const type = headers.get("content-type")?.split(";")[0] ?? "no content type";
    const title = /<title>([^<]{1,80})/i.exec(text)?.[1];
    const what = title === undefined ? type : `${type}, ${oneLine(title)}`;
    return new CliError(
      "not-durable-export",
      `${this.#options.url} does not answer like a Durable Export Worker (status ${status}, ${what})`,
      {
        exitCode: EXIT.refused,
        hint: "Check the URL: it is the one that `wrangler deploy` prints for the export Worker.",
      },
    );
  }
}

/** The beginnings of routes that earlier Workers lack, and what those cannot do. */
const LATER_ROUTES: readonly (readonly [start: string, what: string])[] = [
  ["/import/", "restore files"],
  ["/export/fleet", "back up fleets"],
];

/** A 400 would occur again: the command line was wrong. Everything else is a refusal. */
function refusal(url: string, status: number, problem: Problem & { path: string }): CliError {
  const { code, detail } = problem;
  const noRoute: ErrorCode = "not-found";
  const lacking = LATER_ROUTES.find(([start]) => problem.path.startsWith(start));
  if (code === noRoute && lacking !== undefined) {
    return new CliError(
      { ofWorker: code },
      `the Worker at ${url} cannot ${lacking[1]}: it is too old`,
      {
        exitCode: EXIT.refused,
        hint: "Deploy a newer version of it.",
      },
    );
  }
  if (code === noRoute) {
    return new CliError(
      { ofWorker: code },
      `${url} is not the URL of a Durable Export Worker, or its path is wrong`,
      {
        exitCode: EXIT.refused,
        hint: "Check the URL; it has no path if the Worker has its own host.",
      },
    );
  }
  return new CliError({ ofWorker: code }, `${code}: ${detail}`, {
    exitCode: status === 400 ? EXIT.usage : EXIT.refused,
    hint: findHint(problem),
  });
}

/** Returns the beginning of an error's body, without waiting for the rest. */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece as Uint8Array, { stream: true });
      if (text.length > ERROR_TEXT_CHARS_MAX) break;
    }
  } catch {
    // The status is already known; the text is optional.
  }
  return text;
}
