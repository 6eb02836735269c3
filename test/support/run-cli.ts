import { PassThrough, Readable, Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";

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
  /** Standard output is a terminal of this width. */
  columns?: number;
  /** Called with each piece of standard error as it arrives. */
  onStderr?: (text: string) => void;
  /** What a person at a terminal types, an answer a question. The input ends after the last one. */
  answers?: readonly string[];
}

/** Runs the command line in this process, with its own settings and no configuration file. */
export async function runCli(args: string[], options: CliOptions): Promise<CliResult> {
  const stdout = collect();
  const terminal = options.answers && answerQuestions(options.answers);
  const stderr = collect((text) => {
    options.onStderr?.(text);
    terminal?.onStderr(text);
  });
  const exitCode = await runCommandLine(args, {
    env: {
      XDG_CONFIG_HOME: "/nonexistent",
      XDG_CACHE_HOME: "/dev/null",
      DURABLE_EXPORT_URL: options.url,
      DURABLE_EXPORT_TOKEN: options.token ?? FAKE_TOKEN,
      ...options.env,
    },
    stdin: terminal?.stdin ?? options.stdin ?? Readable.from([]),
    stdout: Object.assign(
      stdout.stream,
      options.columns !== undefined && { isTTY: true, columns: options.columns },
    ),
    stderr: Object.assign(stderr.stream, {
      isTTY: options.isTerminal === true || terminal !== undefined,
    }),
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

/** A terminal's input that has the next answer once a question is shown. */
function answerQuestions(answers: readonly string[]): {
  stdin: PassThrough & { isTTY: boolean };
  onStderr: (text: string) => void;
} {
  const left = [...answers];
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const onStderr = (text: string): void => {
    if (!stripVTControlCharacters(text).endsWith(": ")) return;
    const answer = left.shift();
    if (answer === undefined) stdin.end();
    else stdin.write(`${answer}\n`);
  };
  return { stdin, onStderr };
}
