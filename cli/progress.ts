import type { Writable } from "node:stream";

import { Presets, SingleBar } from "cli-progress";

const LINE_EVERY_MS = 10_000;
const RATE_WINDOW_MS = 5_000;

/** One piece of work that is under way. */
export interface Progress {
  /** How far it is, 0 to 100 (null where nobody knows), and the text behind the bar. */
  update(percent: number | null, text: string): void;
  /** Takes the bar away, so that other text can be printed. May be called again. */
  clear(): void;
}

export const NO_PROGRESS: Progress = { update: () => undefined, clear: () => undefined };

/**
 * A bar on a terminal; elsewhere a line every 10 s, so that a CI log tells that work goes on and
 * does not fill up.
 */
export function startProgress(
  label: string,
  stream: Writable & { isTTY?: boolean },
  write: (line: string) => void,
): Progress {
  return stream.isTTY === true ? startBar(label, stream) : startLines(label, write);
}

function startBar(label: string, stream: Writable): Progress {
  const bar = new SingleBar(
    {
      format: `${label.padEnd(11)} {bar} {shown}  {text}`,
      barsize: 30,
      stream: stream,
      clearOnComplete: true,
      hideCursor: true,
      // The library would end the process at once on Ctrl-C; here the server is asked to cancel.
      gracefulExit: false,
      etaBuffer: 1,
    },
    Presets.shades_classic,
  );
  bar.start(100, 0, { shown: "", text: "" });
  let isShown = true;
  return {
    update: (percent, text) => {
      const shown = percent === null ? "    " : `${Math.floor(percent)}%`.padStart(4);
      if (isShown) bar.update(percent ?? 0, { shown, text });
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
    update: (percent, text) => {
      if (Date.now() - lastMs < LINE_EVERY_MS) return;
      lastMs = Date.now();
      write(`${label}: ${percent === null ? "" : `${Math.floor(percent)}%  `}${text}`);
    },
    clear: () => undefined,
  };
}

/** Bytes a second over the last 5 s, of a count that only grows. */
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
