import type { CliError } from "./cli-error.ts";
import { oneLine } from "./format.ts";
import type { Host } from "./host.ts";
import { NO_PROGRESS, type Progress, startProgress } from "./progress.ts";
import type { Secrets } from "./secrets.ts";

/** `human`: text; `json`: one JSON document on standard output; `quiet`: only errors and the result. */
export type OutputMode = "human" | "json" | "quiet";

/**
 * Everything that is shown. Results go to standard output; progress, notes and errors go to
 * standard error, so that `-o -` and pipes contain only data. Known secrets are never printed.
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

  /** How many characters a line of standard output may have; undefined if it is no terminal. */
  get columns(): number | undefined {
    const { isTTY, columns } = this.#host.stdout;
    return isTTY === true ? columns : undefined;
  }

  /** A line for people about what is happening. */
  note(line: string): void {
    if (this.mode === "human") this.#writeError(line);
  }

  /** Something that people should know, although the work continues. */
  warn(line: string): void {
    if (this.mode !== "quiet") this.#writeError(`warning: ${oneLine(line)}`);
  }

  /** The requested answer, for people. */
  print(text: string): void {
    if (this.mode !== "json") this.#host.stdout.write(`${this.#secrets.redact(text)}\n`);
  }

  /**
   * How work ended: `line` for people on standard error, or with `--quiet` only `value` on standard
   * output, for a script to read. Null: standard output carries the data itself.
   */
  finish(line: string, value: string | null): void {
    if (this.mode === "human") this.#writeError(line);
    if (this.mode === "quiet" && value !== null) this.print(value);
  }

  /** The requested answer, for scripts. */
  printJson(value: unknown): void {
    if (this.mode !== "json") return;
    this.#host.stdout.write(`${this.#secrets.redact(JSON.stringify(value, null, 2))}\n`);
  }

  /** One line on standard error, and with `--json` the same as a document on standard output. */
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

  /** True for a terminal that understands cursor codes; `TERM=dumb` means one that does not. */
  get #canRedraw(): boolean {
    return this.#host.stderr.isTTY === true && this.#host.env["TERM"] !== "dumb";
  }

  #writeError(line: string): void {
    const isBarShown = this.#canRedraw && this.#progress !== NO_PROGRESS;
    // The bar owns its line: a note starts on a new one.
    this.#host.stderr.write(`${isBarShown ? "\n" : ""}${this.#secrets.redact(line)}\n`);
  }
}
