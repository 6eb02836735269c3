import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { diskError } from "./partial-file.ts";

/**
 * Passes this process to `run`, and sets the exit code that `run` returns. The first Ctrl-C (or SIGTERM, SIGHUP)
 * asks `run` to end cleanly; the second ends the process immediately.
 */
export function startProcess(run: (host: Host) => Promise<ExitCode>): void {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
      interrupt.abort();
    });
  }
  // A reader such as `head` may leave early. Code that writes data learns that from the write's own callback.
  let outputError: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    outputError ??= error;
    process.exitCode = EXIT.failed;
  });
  process.stderr.on("error", () => {
    process.exitCode = EXIT.failed;
  });
  silenceSqliteWarning();
  void run({
    env: process.env,
    // Opened only by commands that ask, because an open input keeps the process alive.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    interrupt: interrupt.signal,
  }).then((exitCode) => {
    process.exitCode ??= exitCode;
    // In all other cases, a line has already reported the failure.
    if (exitCode === EXIT.done) process.on("exit", () => tellOutputError(outputError));
  });
}

/** Reports why the output did not reach its reader. A reader that left is not an error. */
function tellOutputError(error: NodeJS.ErrnoException | undefined): void {
  if (error === undefined || error.code === "EPIPE") return;
  const { message } = diskError(error, "standard output", false);
  process.stderr.write(`durable-export: ${message}\n`);
}

/** Before Node 24, `node:sqlite` warns on every start that it is experimental. Users need not know. */
function silenceSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).includes("SQLite is an experimental")) emitWarning(...args);
  };
}
