import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";

/**
 * Gives `run` this process, and the process the exit code that `run` resolves to. The first Ctrl-C
 * (or SIGTERM, SIGHUP) asks `run` to end in order, the second ends at once.
 */
export function startProcess(run: (host: Host) => Promise<ExitCode>): void {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
      interrupt.abort();
    });
  }
  // A reader such as `head` may leave early. Who writes data is told by the write's own callback.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => {
      process.exitCode = EXIT.failed;
    });
  }
  silenceSqliteWarning();
  void run({
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    interrupt: interrupt.signal,
  }).then((exitCode) => {
    process.exitCode ??= exitCode;
  });
}

/** Before Node 24 `node:sqlite` calls itself experimental on every start: not the user's concern. */
function silenceSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).includes("SQLite is an experimental")) emitWarning(...args);
  };
}
