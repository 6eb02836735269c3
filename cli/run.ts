import { CommanderError } from "commander";

import { CliError } from "./cli-error.ts";
import { DoctorFailure } from "./commands/doctor.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { createProgram } from "./program.ts";
import { Secrets } from "./secrets.ts";
import { type OutputMode, Terminal } from "./terminal.ts";

/**
 * Runs one command line and returns its exit code. Every failure is reported in one line on
 * standard error, without the token.
 */
export async function runCommandLine(args: readonly string[], host: Host): Promise<ExitCode> {
  const secrets = new Secrets();
  secrets.add(host.env["DURABLE_EXPORT_TOKEN"]);
  const program = createProgram(host, secrets);
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT.done;
  } catch (error) {
    if (error instanceof DoctorFailure) return error.exitCode;
    // Commander has already printed its own message, or the requested help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { json, quiet } = program.opts<{ json?: boolean; quiet?: boolean }>();
    const mode: OutputMode = json === true ? "json" : quiet === true ? "quiet" : "human";
    const known = error instanceof CliError ? error : unexpected(error);
    new Terminal(host, secrets, mode).fail(known);
    return known.exitCode;
  }
}

function unexpected(error: unknown): CliError {
  const message = error instanceof Error ? error.message : String(error);
  return new CliError("unexpected", `unexpected error: ${message}`, {
    exitCode: EXIT.failed,
    hint: "This is a bug in the command line. Please report it.",
    cause: error,
  });
}
