/** Explanations of the system's error codes for wrong URLs and lost connections. */
const WORDS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ECONNABORTED: "connection aborted",
  EPIPE: "connection closed",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host name cannot be looked up right now",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no network",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_HEADERS_TIMEOUT: "no answer in time",
  UND_ERR_BODY_TIMEOUT: "the answer stopped",
  UND_ERR_SOCKET: "connection closed",
  HPE_INVALID_CONSTANT: "the server does not speak HTTP",
};

/** Another attempt does not help if a host does not exist or a certificate is invalid. */
const FINAL =
  /^(ENOTFOUND$|ERR_TLS|ERR_SSL|ERR_INVALID|CERT_|HPE_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

/** Returns the meaning of an error that `fetch` threw, in a few words, and whether another attempt can help. */
export function describeNetworkError(error: unknown): { words: string; retryable: boolean } {
  if (error instanceof Error && error.name === "TimeoutError") {
    return { words: "no answer in time", retryable: true };
  }
  const { code, message } = innermost(error);
  if (code === undefined) return { words: message, retryable: !message.includes("bad port") };
  return { words: WORDS[code] ?? `${message} (${code})`, retryable: !FINAL.test(code) };
}

/**
 * `fetch` reports only "fetch failed"; its cause, or one of several causes, contains the reason.
 */
function innermost(error: unknown): { code: string | undefined; message: string } {
  let current = error;
  while (current instanceof Error) {
    const next: unknown =
      current instanceof AggregateError && current.errors.length > 0
        ? current.errors[0]
        : current.cause;
    if (!(next instanceof Error)) {
      const { code } = current as NodeJS.ErrnoException;
      return { code: typeof code === "string" ? code : undefined, message: current.message };
    }
    current = next;
  }
  return { code: undefined, message: String(current) };
}
