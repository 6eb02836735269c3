import { Presets, SingleBar } from "cli-progress";

const LINE_EVERY_MS = 10_000;

/** One piece of work that is under way. */
export interface Progress {
  /** How much of the total is done, and the text behind the bar. */
  update(done: number, text: string): void;
  /** Takes the bar away and leaves one line. */
  end(text: string): void;
  /** Takes the bar away, for an error's message to come. */
  clear(): void;
}

/**
 * Shows a progress bar on a terminal, and plain lines elsewhere: one when the work is done, and
 * one every 10 s before that.
 */
export function startProgress(label: string, total: number): Progress {
  return process.stdout.isTTY ? startBar(label, total) : startLines(label, total);
}

/** A finished line, in the columns of the others. */
export function printLine(label: string, text: string): void {
  console.log(`${label.padEnd(10)} ${text}`);
}

function startBar(label: string, total: number): Progress {
  const bar = new SingleBar(
    {
      format: `${label.padEnd(10)} {bar} {percentage}%  {text}`,
      barsize: 32,
      stream: process.stdout,
      clearOnComplete: true,
      hideCursor: true,
      // The demo stops what it started before it ends; the library would exit at once.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  // A total of zero would show as 0 % for ever.
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

const numberFormat = new Intl.NumberFormat("en");

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return numberFormat.format(value);
}

/** 1234567 → "1.2 MB". */
export function size(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The time since `startMs`, as "1.2 s". */
export function since(startMs: number): string {
  return `${((Date.now() - startMs) / 1000).toFixed(1)} s`;
}
