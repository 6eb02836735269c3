import type { CliError } from "./cli-error.ts";
import { COLUMNS_DEFAULT, formatTable, oneLine } from "./format.ts";
import type { Host } from "./host.ts";
import { NO_PROGRESS, type Progress, startProgress } from "./progress.ts";
import type { Secrets } from "./secrets.ts";

/** `human`: text; `json`: one JSON document on standard output; `quiet`: only errors and the result. */
export type OutputMode = "human" | "json" | "quiet";

/**
 * Writes everything that the user sees. Results go to standard output. Progress, notes and errors go to standard
 * error, so that `-o -` and pipes contain only data. Known secrets are never printed.
 */
export class Terminal {
  readonly #host: Pick<Host, "stdout" | "stderr" | "env">;
  readonly #secrets: Secrets;
  readonly mode: OutputMode;
  #progress: Progress = NO_PROGRESS;

  constructor(host: Pick<Host, "stdout" | "stderr" | "env">, secrets: Secrets, mode: OutputMode) {
    this.#host = host;
    this.#secrets = secrets;
    this.mode = mode;
  }

  /** Writes a line about what is happening, for people. */
  note(line: string): void {
    if (this.mode === "human") this.#writeError(line);
  }

  /** Writes something that people should know although the work continues. */
  warn(line: string): void {
    if (this.mode !== "quiet") this.#writeError(`warning: ${oneLine(line)}`);
  }

  /** Writes the requested answer, for people. */
  print(text: string): void {
    if (this.mode !== "json") this.#host.stdout.write(`${this.#secrets.redact(text)}\n`);
  }

  /** Writes the requested table, for people. In a terminal it fits the width; a file or a pipe gets whole cells. */
  printTable(header: string[], rows: string[][]): void {
    this.print(formatTable(header, rows, findColumns(this.#host.stdout)));
  }

  /** Writes a table about what is happening, for people. In a terminal it fits the width. */
  noteTable(header: string[], rows: string[][]): void {
    this.note(formatTable(header, rows, findColumns(this.#host.stderr)));
  }

  /**
   * Reports how work ended: `line` on standard error for people, or with `--quiet` only `value` on standard output
   * for a script. Null: standard output contains the data itself.
   */
  finish(line: string, value: string | null): void {
    if (this.mode === "human") this.#writeError(line);
    if (this.mode === "quiet" && value !== null) this.print(value);
  }

  /** Writes the requested answer, for scripts. */
  printJson(value: unknown): void {
    if (this.mode !== "json") return;
    this.#host.stdout.write(`${this.#secrets.redact(JSON.stringify(value, null, 2))}\n`);
  }

  /** Writes one line on standard error, and with `--json` also a document on standard output. */
  fail(error: CliError): void {
    const { code, hint, exitCode } = error;
    const message = oneLine(error.message);
    this.#writeError(`durable-export: ${message}${hint === undefined ? "" : `. ${oneLine(hint)}`}`);
    this.printJson({ error: { code, message, hint: hint ?? null, exitCode } });
  }

  /** Shows progress until it is cleared or another one begins. */
  startProgress(label: string): Progress {
    this.clearProgress();
    if (this.mode === "human") {
      const output = { stream: this.#host.stderr, canRedraw: this.#canRedraw };
      this.#progress = startProgress(label, output, (line) => this.#writeError(line));
    }
    return this.#progress;
  }

  clearProgress(): void {
    this.#progress.clear();
    this.#progress = NO_PROGRESS;
  }

  /** True if the terminal understands cursor codes; `TERM=dumb` means that it does not. */
  get #canRedraw(): boolean {
    return this.#host.stderr.isTTY === true && this.#host.env["TERM"] !== "dumb";
  }

  #writeError(line: string): void {
    const isBarShown = this.#canRedraw && this.#progress !== NO_PROGRESS;
    // The bar has its own line, so a note starts on a new one.
    this.#host.stderr.write(`${isBarShown ? "\n" : ""}${this.#secrets.redact(line)}\n`);
  }
}

/** How many characters fit a line of `stream`; infinite if it is not a terminal. */
function findColumns(stream: Host["stdout"]): number {
  return stream.isTTY === true ? (stream.columns ?? COLUMNS_DEFAULT) : Infinity;
}
