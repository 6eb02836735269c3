import type { Writable } from "node:stream";

import { Presets, SingleBar } from "cli-progress";

import { COLUMNS_DEFAULT } from "./format.ts";

const LINE_EVERY_MS = 10_000;
const RATE_WINDOW_MS = 5_000;

/** One piece of work in progress. */
export interface Progress {
  /**
   * Shows the progress, 0 to 100 (null if unknown), and the parts that follow the bar, most important first. Parts
   * that do not fit the terminal's width are dropped from the end.
   */
  update(percent: number | null, parts: readonly string[]): void;
  /** Removes the bar, so that other text can be printed. May be called again. */
  clear(): void;
}

/** A stream that may be a terminal with a known width. */
export type ProgressStream = Writable & { isTTY?: boolean; columns?: number };

export const NO_PROGRESS: Progress = { update: () => undefined, clear: () => undefined };

/**
 * Shows a bar if `stream` can redraw a line. Otherwise writes a line every 10 s, which shows that work continues
 * without filling a CI log.
 */
export function startProgress(
  label: string,
  output: { stream: ProgressStream; canRedraw: boolean },
  write: (line: string) => void,
): Progress {
  return output.canRedraw ? startBar(label, output.stream) : startLines(label, write);
}

const LABEL_CHARS = 11;
const BAR_CHARS_MAX = 30;
/** A shorter bar shows less than the percentage after it. */
const BAR_CHARS_MIN = 8;

/**
 * Returns one line of at most `columns` characters: label, bar, percent, and as many parts as fit. The bar needs a
 * percentage, and yields space to the first two parts. The other parts get what is left.
 */
export function fitLine(
  line: { label: string; percent: number | null; parts: readonly string[] },
  columns: number,
): string {
  const { percent, parts } = line;
  const shown = percent === null ? "" : ` ${`${Math.floor(percent)}%`.padStart(4)}`;
  // The last column stays empty, because some terminals wrap when it is written.
  const room = columns - 1;
  const label = line.label.padEnd(LABEL_CHARS).slice(0, Math.max(room - shown.length, 0));
  const important = parts.slice(0, 2).reduce((sum, part) => sum + part.length + 2, 0);
  const spare = room - label.length - shown.length - important - 1;
  // An empty bar that never fills would look as if nothing happened.
  const barChars = percent === null || spare < BAR_CHARS_MIN ? 0 : Math.min(spare, BAR_CHARS_MAX);
  const done = percent === null ? 0 : Math.round((percent / 100) * barChars);
  const bar = barChars === 0 ? "" : ` ${"█".repeat(done)}${"░".repeat(barChars - done)}`;
  let text = `${label}${bar}${shown}`;
  for (const part of parts) {
    if (text.length + 2 + part.length > room) break;
    text += `  ${part}`;
  }
  return text;
}

function startBar(label: string, stream: ProgressStream): Progress {
  let parts: readonly string[] = [];
  let shown: number | null = null;
  const bar = new SingleBar(
    {
      format: () => fitLine({ label, percent: shown, parts }, stream.columns ?? COLUMNS_DEFAULT),
      stream,
      clearOnComplete: true,
      hideCursor: true,
      // The library would end the process at once on Ctrl-C, but the server must first be asked to cancel.
      gracefulExit: false,
      etaBuffer: 1,
    },
    Presets.shades_classic,
  );
  bar.start(100, 0);
  let isShown = true;
  return {
    update: (percent, newParts) => {
      shown = percent;
      parts = newParts;
      if (isShown) bar.update(percent ?? 0);
    },
    clear: () => {
      if (isShown) bar.stop();
      isShown = false;
    },
  };
}

function startLines(label: string, write: (line: string) => void): Progress {
  let lastMs = Date.now();
  return {
    update: (percent, parts) => {
      if (Date.now() - lastMs < LINE_EVERY_MS) return;
      lastMs = Date.now();
      const shown = percent === null ? [] : [`${Math.floor(percent)}%`];
      write(`${label}: ${[...shown, ...parts].join("  ")}`);
    },
    clear: () => undefined,
  };
}

/** Measures bytes per second over the last 5 s, from a count that only grows. */
export class Rate {
  #samples: { atMs: number; bytes: number }[] = [];

  /** Undefined before two samples differ in time. */
  add(bytes: number, nowMs: number): number | undefined {
    this.#samples.push({ atMs: nowMs, bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) > RATE_WINDOW_MS) {
      this.#samples.shift();
    }
    const first = this.#samples[0];
    if (first === undefined || nowMs <= first.atMs) return undefined;
    return ((bytes - first.bytes) * 1000) / (nowMs - first.atMs);
  }
}
