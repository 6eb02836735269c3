import { KIB } from "../api/limits.ts";
import { concatBytes } from "../lib/bytes.ts";
import type { CallbackOutcome } from "./callback-schedule.ts";
import { hideTexts, listUrlSecrets } from "./hide-secrets.ts";
import { parseRetryAfterMs } from "../lib/retry-after.ts";
import { signMessage } from "./signature.ts";
import { stripSecretPrefix } from "./webhook-secrets.ts";

/** How long an attempt may take, including the body. */
const CALLBACK_TIMEOUT_MS = 10_000;

/** How much of a response other than 2xx is read before the connection is dropped. */
const ANSWER_BYTES_MAX = 4 * KIB;

/** How much of it is quoted, in characters. */
const QUOTE_LENGTH_MAX = 200;

/** An attempt, as plain data: it crosses Workflow steps and is kept in the job row. */
export interface CallbackResult {
  outcome: CallbackOutcome;
  /** The status that the receiver returned; undefined if no response arrived. */
  status?: number;
  /**
   * Why it was not delivered; contains no secrets, signatures or values from the URL's path and
   * query.
   */
  error?: string;
  /** The wait that the receiver requested with `Retry-After`. */
  retryAfterMs?: number;
}

/**
 * Posts `payload` (JSON) to `url`, signed according to Standard Webhooks if there are secrets. `id`
 * is the same in every attempt of one message; `timestampMs` is the attempt's own time. Redirects
 * are not followed: a 3xx is a failed attempt. It never throws because of a receiver or the
 * network. `url` must have passed `checkCallbackTarget`.
 */
export async function sendCallback(request: {
  url: string;
  id: string;
  timestampMs: number;
  payload: string;
  secrets: readonly string[];
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  timeoutMs?: number;
}): Promise<CallbackResult> {
  const {
    url,
    id,
    timestampMs,
    payload,
    secrets,
    fetch,
    timeoutMs = CALLBACK_TIMEOUT_MS,
  } = request;
  const signature =
    secrets.length === 0 ? undefined : signMessage({ id, timestampMs, payload, secrets });
  const hidden = listHidden({ url, secrets, signature });

  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "durable-export",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(timestampMs / 1_000)),
        ...(signature === undefined ? {} : { "webhook-signature": signature }),
      },
      body: payload,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    return { outcome: "retry", error: describeFault(error, { timeoutMs, hidden }) };
  }

  const { status } = response;
  if (response.ok) {
    await discard(response);
    return { outcome: "delivered", status };
  }
  const words = quote(await readStart(response), hidden);
  const error = `the receiver answered ${status}${explainStatus(status)}${words === "" ? "" : `: ${words}`}`;
  if (status === 410) return { outcome: "gone", status, error };
  const retryAfterMs = parseRetryAfterMs(response.headers.get("retry-after"), timestampMs);
  return {
    outcome: "retry",
    status,
    error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function explainStatus(status: number): string {
  if (status === 410) return " (gone: no more callbacks are sent)";
  return status >= 300 && status < 400 ? " (redirects are not followed)" : "";
}

/** Returns in words why no response arrived. */
function describeFault(
  error: unknown,
  given: { timeoutMs: number; hidden: readonly string[] },
): string {
  if (error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError")) {
    return `the receiver did not answer within ${given.timeoutMs / 1_000} s`;
  }
  const words = quote(error instanceof Error ? error.message : String(error), given.hidden);
  return `the receiver could not be reached${words === "" ? "" : `: ${words}`}`;
}

/**
 * Returns the first ANSWER_BYTES_MAX of the response body as text, or less if the body breaks off
 * or the attempt's time is up. The rest is never read.
 */
async function readStart(response: Response): Promise<string> {
  if (response.body === null) return "";
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const reader = response.body.getReader();
  try {
    while (bytes < ANSWER_BYTES_MAX) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value.subarray(0, ANSWER_BYTES_MAX - bytes));
      bytes += value.byteLength;
    }
  } catch {
    // The status is known: a body that breaks off only shortens the quote.
  }
  await reader.cancel().catch(() => undefined);
  return new TextDecoder().decode(concatBytes(pieces));
}

/** Drops the response body unread. A body that is already broken was dropped by the other side. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/**
 * Returns text from outside in a form that is safe to show: one line, without the `hidden` texts,
 * and shortened.
 */
function quote(text: string, hidden: readonly string[]): string {
  const line = hideTexts(text, hidden);
  if (line.length <= QUOTE_LENGTH_MAX) return line;
  return `${line.slice(0, QUOTE_LENGTH_MAX).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/**
 * Lists what a receiver may echo but nobody else may see: secrets, signatures, and the URL's path
 * and query.
 */
function listHidden(request: {
  url: string;
  secrets: readonly string[];
  signature: string | undefined;
}): string[] {
  const signatures = request.signature?.split(" ").map((entry) => entry.slice("v1,".length)) ?? [];
  return [...request.secrets.map(stripSecretPrefix), ...signatures, ...listUrlSecrets(request.url)];
}
