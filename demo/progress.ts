import { Presets, SingleBar } from "cli-progress";
import { oneLine } from "../cli/format.ts";
import { shortenName } from "../src/sqlite/statement-length.ts";

const LINE_EVERY_MS = 10_000;

/** Characters of a label with the space after it. */
const LABEL_WIDTH = 11;

/** A narrower terminal wraps by itself. */
const TEXT_WIDTH_MIN = 30;

/** One piece of work in progress. */
interface Progress {
  /** How much of the total is done, and the text after the bar. */
  update(done: number, text: string): void;
  /** Removes the bar and leaves one line. */
  end(text: string): void;
  /** Removes the bar, so that an error message can follow. */
  clear(): void;
}

/**
 * Shows a progress bar on a terminal, and plain lines elsewhere: one when the work is done, and one
 * every 10 s before that.
 */
function startProgress(label: string, total: number): Progress {
  return process.stdout.isTTY ? startBar(label, total) : startLines(label, total);
}

/** Runs `work` with a progress bar, which is removed if it fails. */
export async function withProgress<T>(
  label: string,
  total: number,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = startProgress(label, total);
  try {
    return await work(progress);
  } catch (error) {
    progress.clear();
    throw error;
  }
}

/**
 * A finished line, aligned with the others. Control characters in `text` do not reach the terminal.
 */
export function printLine(label: string, text: string): void {
  const { isTTY, columns } = process.stdout;
  const width = isTTY ? Math.max(columns - LABEL_WIDTH, TEXT_WIDTH_MIN) : Number.POSITIVE_INFINITY;
  const lines = wrapWords(oneLine(text), width);
  console.log(`${label.padEnd(LABEL_WIDTH - 1)} ${lines.join(`\n${" ".repeat(LABEL_WIDTH)}`)}`);
}

/** Cuts a text into lines of at most `width` characters, between words. A longer word has its own line. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

function startBar(label: string, total: number): Progress {
  const bar = new SingleBar(
    {
      format: `${label.padEnd(10)} {bar} {percentage}%  {text}`,
      // With the longest text, a line fits 80 columns.
      barsize: 16,
      stream: process.stdout,
      clearOnComplete: true,
      hideCursor: true,
      // The demo stops what it started before it ends; the library would exit immediately.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  // A total of zero would show as 0 % forever.
  bar.start(Math.max(total, 1), 0, { text: "" });
  return {
    update: (done, text) => bar.update(Math.min(done, total), { text }),
    end: (text) => {
      bar.stop();
      printLine(label, text);
    },
    clear: () => bar.stop(),
  };
}

function startLines(label: string, total: number): Progress {
  let lastMs = Date.now();
  return {
    update: (done, text) => {
      if (Date.now() - lastMs < LINE_EVERY_MS) return;
      lastMs = Date.now();
      printLine(label, `${Math.floor((done / Math.max(total, 1)) * 100)}%  ${text}`);
    },
    end: (text) => printLine(label, text),
    clear: () => undefined,
  };
}

/** A name from the user's database as messages show it: quoted, on one line, and not too long. */
export function nameForMessage(name: string): string {
  return oneLine(shortenName(name));
}

/** The time since `startMs`, as "1.2 s". */
export function since(startMs: number): string {
  return `${((Date.now() - startMs) / 1000).toFixed(1)} s`;
}
