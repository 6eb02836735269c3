import { EXIT, type ExitCode } from "./exit-codes.ts";

/**
 * A failure that is shown as one line, and the process's exit code. `code` is the Worker's where it
 * sent one, and one of this program's own otherwise; both are listed in docs/cli.md.
 */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly code: string;
  /** What to do about it: a sentence. */
  readonly hint: string | undefined;

  constructor(
    code: string,
    message: string,
    options: { exitCode: ExitCode; hint?: string | undefined; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}

/** Thrown where Ctrl-C or a signal ended the work. */
export class Interrupted extends CliError {
  constructor(message = "interrupted", hint?: string) {
    super("interrupted", message, { exitCode: EXIT.interrupted, hint });
  }
}

/** A wrong command line or configuration. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError("usage", message, { exitCode: EXIT.usage, hint });
}

/** Throws `Interrupted` where the user has asked to stop. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new Interrupted();
}
