import { ExportError } from "../../api/errors.ts";
import { hideTexts } from "../../notify/hide-secrets.ts";
import { findElement } from "./s3-xml.ts";

/** An answer of S3 that is not a success. */
export interface S3Problem {
  status: number;
  /** S3's code, such as `NoSuchKey`; empty if the answer has no body, as for HEAD. */
  code: string;
  /** S3's words. They may quote what was sent. */
  message: string;
  headers: Headers;
}

/** How much of an unknown error's message is kept. */
const MESSAGE_CHARS_MAX = 200;

/** Codes for an upload or parts that the bucket does not have as the ledger lists them. */
const CORRUPT_CODES: ReadonlySet<string> = new Set([
  "NoSuchUpload",
  "InvalidPart",
  "InvalidPartOrder",
  "EntityTooSmall",
]);

/** Codes that another attempt may not return: load, a fault, or bytes that changed on their way. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "RequestLimitExceeded",
  "TooManyRequests",
  "RequestTimeout",
  "OperationAborted",
  "InternalError",
  "ServiceUnavailable",
  "BadDigest",
  "XAmzContentSHA256Mismatch",
  "XAmzContentChecksumMismatch",
]);

/** What the owner of the destination must correct, by S3's code. */
const REASONS: Record<string, string> = {
  AccessDenied: "its credentials do not allow this",
  AllAccessDisabled: "its bucket is disabled",
  AuthorizationHeaderMalformed: "its region is not the bucket's",
  AuthorizationQueryParametersError: "its region is not the bucket's",
  ExpiredToken: "its session token has expired",
  IllegalLocationConstraintException: "its region is not the bucket's",
  InvalidAccessKeyId: "its access key id is unknown",
  InvalidBucketName: "its bucket's name is invalid",
  InvalidToken: "its session token is invalid",
  NoSuchBucket: "its bucket does not exist",
  PermanentRedirect: "its bucket is at another endpoint or in another region",
  SignatureDoesNotMatch: "its secret access key is wrong",
  TemporaryRedirect: "its bucket is at another endpoint or in another region",
  TokenRefreshRequired: "its session token has expired",
};

/** Returns the problem that an answer with this body reports. The body may be empty. */
export function parseProblem(status: number, headers: Headers, xml: string): S3Problem {
  return {
    status,
    code: findElement(xml, "Code") ?? "",
    message: findElement(xml, "Message") ?? "",
    headers,
  };
}

/** True if the same request may succeed soon. */
export function isPassing({ status, code }: S3Problem): boolean {
  if (status === 501) return false;
  return status >= 500 || status === 429 || status === 408 || PASSING_CODES.has(code);
}

/**
 * Returns a problem as an error: `storage-unavailable` if another attempt may help,
 * `artifact-corrupt` if the bucket has other parts than the ledger, or `destination-refused`. Its
 * message contains none of `secrets`.
 */
export function toStoreError(
  problem: S3Problem,
  place: { host: string; bucket: string; secrets: readonly string[] },
): ExportError {
  const { status, code, headers } = problem;
  const name = `bucket ${JSON.stringify(place.bucket)} at ${place.host}`;
  const answer = code === "" ? `status ${status}` : `${code} (status ${status})`;
  if (isPassing(problem)) {
    return new ExportError("storage-unavailable", `${name} answered ${answer}`);
  }
  if (CORRUPT_CODES.has(code)) {
    return new ExportError("artifact-corrupt", `${name} answered ${answer}`);
  }
  const reason = describeReason(problem);
  const region = headers.get("x-amz-bucket-region");
  const hint = region === null ? "" : `; the bucket's region is ${JSON.stringify(region)}`;
  const text = hideTexts(`${name} answered ${answer}${reason}${hint}`, place.secrets);
  return new ExportError("destination-refused", text);
}

function describeReason({ status, code, message, headers }: S3Problem): string {
  if (code === "RequestTimeTooSkewed") {
    const date = headers.get("date");
    const theirs = date === null ? "" : `: it reads ${date}`;
    return `: its clock and this Worker's differ by more than 15 minutes${theirs}`;
  }
  const known = REASONS[code];
  if (known !== undefined) return `: ${known}`;
  if (code === "" && (status === 401 || status === 403))
    return ": its credentials do not allow this";
  if (status >= 300 && status < 400)
    return ": its bucket is at another endpoint or in another region";
  return message === "" ? "" : `: ${message.slice(0, MESSAGE_CHARS_MAX).replace(/\.$/, "")}`;
}
