import type { ErrorCode } from "../api/error-codes.ts";
import { parseJson } from "../lib/parse-json.ts";

/**
 * A code of `ERRORS`, or a code of a newer Worker. `unexpected-answer` means that no Durable Export Worker
 * answered: the URL is wrong, a gateway failed, or the URL redirects, in which case the token is not sent on.
 */
export type ExportApiErrorCode = ErrorCode | "unexpected-answer" | (string & {});

/** The parts of an `ExportApiError`. */
interface ExportApiFailure {
  status: number;
  code: ExportApiErrorCode;
  message: string;
  hint?: string | undefined;
  jobId?: string | undefined;
  problem?: Readonly<Record<string, unknown>> | undefined;
  retryAfter?: string | null | undefined;
}

/** A call that the API refused or could not answer. The message starts with the code. */
export class ExportApiError extends Error {
  override readonly name = "ExportApiError";
  /** The HTTP status; 0 if the answer redirects and the browser hides its status. */
  readonly status: number;
  readonly code: ExportApiErrorCode;
  /** What to do, as one sentence; undefined if no Durable Export Worker answered. */
  readonly hint: string | undefined;
  /**
   * The job in the answer, such as the running job of `export-already-running`; otherwise the job that the call
   * refers to.
   */
  readonly jobId: string | undefined;
  /** The whole body (RFC 9457). Some codes have more members, such as `issues`. */
  readonly problem: Readonly<Record<string, unknown>> | undefined;
  /** The `Retry-After` header, if the answer has one. */
  readonly retryAfter: string | undefined;

  constructor({ status, code, message, hint, jobId, problem, retryAfter }: ExportApiFailure) {
    super(`${code}: ${message}`);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.jobId = jobId;
    this.problem = problem;
    this.retryAfter = retryAfter ?? undefined;
  }
}

/** Returns the error that a failed answer describes. `jobId` is the job that the call refers to. */
export async function readApiError(
  response: Response,
  jobId: string | undefined,
): Promise<ExportApiError> {
  const { status } = response;
  const problem = parseProblem(await response.text());
  const retryAfter = response.headers.get("retry-after");
  if (problem === undefined) {
    return new ExportApiError({
      status,
      code: "unexpected-answer",
      message: describeStranger(response),
      jobId,
      retryAfter,
    });
  }
  return new ExportApiError({
    status,
    code: problem["code"],
    message: String(problem["detail"]),
    hint: findText(problem, "hint"),
    jobId: findText(problem, "jobId") ?? jobId,
    problem,
    retryAfter,
  });
}

function parseProblem(text: string): (Record<string, unknown> & { code: string }) | undefined {
  // A gateway's error page is not JSON.
  const value = parseJson(text) as { code?: unknown } | null | undefined;
  return typeof value?.code === "string" ? { ...value, code: value.code } : undefined;
}

function findText(problem: Record<string, unknown>, name: string): string | undefined {
  const value = problem[name];
  return typeof value === "string" ? value : undefined;
}

function describeStranger({ status, type, headers }: Response): string {
  if (type === "opaqueredirect" || (status >= 300 && status < 400)) {
    return "the URL redirects, and the token is not sent there";
  }
  return `no Durable Export Worker answered: status ${status}, ${headers.get("content-type") ?? "no content type"}`;
}
