import type { CliError } from "./cli-error.ts";
import { oneLine } from "./format.ts";
import type { Host } from "./host.ts";
import { NO_PROGRESS, type Progress, startProgress } from "./progress.ts";
import type { Secrets } from "./secrets.ts";

/** `human`: text; `json`: one JSON document on standard output; `quiet`: errors and results alone. */
export type OutputMode = "human" | "json" | "quiet";

/**
 * Everything that is shown. Results go to standard output; what happens meanwhile, and errors, to
 * standard error, so that `-o -` and pipes carry data alone. Known secrets never get through.
 */
export class Terminal {
  readonly #host: Pick<Host, "stdout" | "stderr">;
  readonly #secrets: Secrets;
  readonly mode: OutputMode;
  #progress: Progress = NO_PROGRESS;

  constructor(host: Pick<Host, "stdout" | "stderr">, secrets: Secrets, mode: OutputMode) {
    this.#host = host;
    this.#secrets = secrets;
    this.mode = mode;
  }

  /** What is happening: a line for people. */
  note(line: string): void {
    if (this.mode === "human") this.#writeError(line);
  }

  /** Something a person should know although the work goes on. */
  warn(line: string): void {
    if (this.mode !== "quiet") this.#writeError(`warning: ${oneLine(line)}`);
  }

  /** The answer that was asked for, for people. */
  print(text: string): void {
    if (this.mode !== "json") this.#host.stdout.write(`${this.#secrets.redact(text)}\n`);
  }

  /** The answer that was asked for, for scripts. */
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

  /** Shows progress until it is cleared or another begins. */
  startProgress(label: string): Progress {
    this.clearProgress();
    if (this.mode === "human") {
      this.#progress = startProgress(label, this.#host.stderr, (line) => this.#writeError(line));
    }
    return this.#progress;
  }

  clearProgress(): void {
    this.#progress.clear();
    this.#progress = NO_PROGRESS;
  }

  #writeError(line: string): void {
    const isBarShown = this.#host.stderr.isTTY === true && this.#progress !== NO_PROGRESS;
    // The bar owns its line: a note begins on one of its own.
    this.#host.stderr.write(`${isBarShown ? "\n" : ""}${this.#secrets.redact(line)}\n`);
  }
}
