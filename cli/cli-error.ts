import { EXIT, type ExitCode } from "./exit-codes.ts";

/** This program's own codes. docs/cli.md lists a remedy for each; they are never renamed. */
export const CLI_ERROR_CODES = [
  "usage",
  "unreachable",
  "connection-lost",
  "redirected",
  "not-durable-export",
  "checksum-mismatch",
  "download-wrong",
  "download-changed",
  "disk-full",
  "file",
  "artifact-name",
  "no-such-artifact",
  "manifest-invalid",
  "restore-failed",
  "restore-mismatch",
  "restore-running",
  "restore-cancelled",
  "export-running",
  "export-cancelled",
  "export-expired",
  "export-empty",
  "timeout",
  "interrupted",
  "unexpected",
] as const;

export type CliErrorCode = (typeof CLI_ERROR_CODES)[number];

interface CliErrorOptions {
  exitCode: ExitCode;
  hint?: string | undefined;
  cause?: unknown;
}

/**
 * A failure that is shown as one line, with the process's exit code. `code` is one of this program's own, or the
 * one that the Worker sent.
 */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly code: string;
  /** What to do about it, as a sentence. */
  readonly hint: string | undefined;

  constructor(
    code: CliErrorCode | { ofWorker: string },
    message: string,
    options: CliErrorOptions,
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = typeof code === "string" ? code : code.ofWorker;
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }

  /** True for this program's own `code`; the Worker's codes are different. */
  is(code: CliErrorCode): boolean {
    return this.code === code;
  }
}

/** Thrown after Ctrl-C or a signal ended the work. */
export class Interrupted extends CliError {
  constructor(message = "interrupted", hint?: string) {
    super("interrupted", message, { exitCode: EXIT.interrupted, hint });
  }
}

/** A wrong command line or configuration. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError("usage", message, { exitCode: EXIT.usage, hint });
}

/** Throws `Interrupted` if the user has asked to stop. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new Interrupted();
}
