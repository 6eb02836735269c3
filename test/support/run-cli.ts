import { PassThrough, Readable, Writable } from "node:stream";

import { runCommandLine } from "../../cli/run.ts";
import { FAKE_TOKEN } from "./fake-export-server.ts";

export interface CliResult {
  exitCode: number;
  stdout: string;
  stdoutBytes: Buffer;
  /** Without the last line's end. */
  stderr: string;
}

export interface CliOptions {
  url: string;
  token?: string;
  env?: Record<string, string>;
  interrupt?: AbortSignal;
  /** Default: an empty one. */
  stdin?: Readable & { isTTY?: boolean };
  /** Standard error is a terminal. */
  isTerminal?: boolean;
  /** Told each piece of standard error as it comes. */
  onStderr?: (text: string) => void;
}

/** Runs the command line in this process, with settings of its own and nobody's configuration file. */
export async function runCli(args: string[], options: CliOptions): Promise<CliResult> {
  const stdout = collect();
  const stderr = collect(options.onStderr);
  const exitCode = await runCommandLine(args, {
    env: {
      XDG_CONFIG_HOME: "/nonexistent",
      XDG_CACHE_HOME: "/dev/null",
      DURABLE_EXPORT_URL: options.url,
      DURABLE_EXPORT_TOKEN: options.token ?? FAKE_TOKEN,
      ...options.env,
    },
    stdin: options.stdin ?? Readable.from([]),
    stdout: stdout.stream,
    stderr: Object.assign(stderr.stream, { isTTY: options.isTerminal === true }),
    interrupt: options.interrupt ?? new AbortController().signal,
  });
  const stdoutBytes = stdout.bytes();
  return {
    exitCode,
    stdout: stdoutBytes.toString(),
    stdoutBytes,
    stderr: stderr.bytes().toString().trimEnd(),
  };
}

function collect(onText?: (text: string) => void): { stream: Writable; bytes: () => Buffer } {
  const pieces: Buffer[] = [];
  const stream = new PassThrough();
  stream.on("data", (piece: Buffer) => {
    pieces.push(piece);
    onText?.(piece.toString());
  });
  return { stream, bytes: () => Buffer.concat(pieces) };
}
