import { PAGE_BYTES } from "../api/limits.ts";
import { ReadingPace } from "./reading-pace.ts";

/** What the caller of `readDump` still needs. */
export interface Demand {
  /** About how many bytes it still takes before it stops. */
  bytes: number;
  /** How many artifacts it begins after the current one. */
  artifacts: number;
}

/** How far ahead pages may be requested. */
export interface AheadLimits {
  /** The most pages that are requested at a time. */
  pagesMax: number;
  /** What is still needed: nothing is requested ahead that nobody takes. Default: everything. */
  demand?: () => Demand;
  /** What earlier readings of the same dump have learned. Default: nothing. */
  pace?: ReadingPace;
  /** The clock; default `Date.now`, which the platform moves while a request is under way. */
  nowMs?: () => number;
}

/** One page at a time: the next one is requested while the caller processes the last one. */
export const ONE_AHEAD: AheadLimits = { pagesMax: 1 };

const EVERYTHING: Demand = {
  bytes: Number.POSITIVE_INFINITY,
  artifacts: Number.POSITIVE_INFINITY,
};

/** A page of at least this length shows how long the database works on a page. */
const LONG_PAGE_BYTES = PAGE_BYTES / 2;

/** The least time that a database works on a page, in milliseconds (measured: 3 to 14). */
const PAGE_MS_MIN = 3;

/**
 * Decides when the next page is requested, so that a far database is never idle and a writer never
 * waits for a queue of pages.
 *
 * The requests under way are as many pages as the database could read while a request travels: the
 * shortest round trip, divided by the time of a page. A near database gets one request at a time;
 * a writer then waits for at most that page. Small pages count by their bytes, because together
 * they take a page's time.
 */
export class PagesAhead {
  readonly #limits: AheadLimits;
  readonly #nowMs: () => number;
  /** Requested and not answered. */
  #underWay = 0;
  #bytesUnderWay = 0;
  /** Requested and not taken: under way, or held. */
  #bytesOpen = 0;
  #open = 0;
  readonly pace: ReadingPace;

  constructor(limits: AheadLimits) {
    this.#limits = limits;
    this.#nowMs = limits.nowMs ?? Date.now;
    this.pace = limits.pace ?? new ReadingPace();
  }

  /** True if `pagesMax` requests may be under way. */
  get isConcurrent(): boolean {
    return this.#limits.pagesMax > 1;
  }

  /** The most tables whose pages are requested before those of the current one are taken. */
  get tablesMax(): number {
    return this.#limits.pagesMax;
  }

  /** What the caller still needs. */
  demand(): Demand {
    return this.#limits.demand?.() ?? EVERYTHING;
  }

  /** True if a page of about `bytes` may be requested now, in addition to all others. */
  mayRequest(bytes: number): boolean {
    if (this.#open === 0) return true;
    if (!this.isConcurrent) return false;
    const unit = Math.max(PAGE_BYTES, bytes);
    return (
      this.#underWay < this.#limits.pagesMax &&
      this.#bytesOpen < this.demand().bytes &&
      (this.#underWay === 0 || this.#bytesUnderWay + bytes <= this.pace.depth * unit) &&
      this.#bytesOpen + bytes <= this.pace.depth * unit
    );
  }

  /**
   * Requests a page of about `bytes`. Call `take` with the answer's length when it is taken. A page that was
   * not requested by itself shows nothing about round trips.
   */
  async request<Page>(
    bytes: number,
    read: () => Promise<Page>,
    describe: (page: Page) => { length: number; isRequested: boolean },
  ): Promise<Page> {
    this.#underWay += 1;
    this.#open += 1;
    this.#bytesUnderWay += bytes;
    this.#bytesOpen += bytes;
    const startMs = this.#nowMs();
    let length = 0;
    try {
      const page = await read();
      const described = describe(page);
      length = described.length;
      if (described.isRequested) this.#measure(length, this.#nowMs() - startMs);
      return page;
    } finally {
      this.#underWay -= 1;
      this.#bytesUnderWay -= bytes;
      this.#bytesOpen += length - bytes;
    }
  }

  /** Counts a page as taken: its memory now belongs to the caller. */
  take(length: number): void {
    this.#open -= 1;
    this.#bytesOpen -= length;
    this.pace.depth = Math.min(this.pace.depth + 1, this.#depthMax());
  }

  #measure(length: number, ms: number): void {
    const { pace } = this;
    pace.roundTripMs = Math.min(pace.roundTripMs, ms);
    if (length >= LONG_PAGE_BYTES) pace.longRoundTripMs = Math.min(pace.longRoundTripMs, ms);
  }

  #depthMax(): number {
    const { roundTripMs, longRoundTripMs } = this.pace;
    if (!Number.isFinite(longRoundTripMs)) return 1;
    const pageMs = Math.max(PAGE_MS_MIN, longRoundTripMs - roundTripMs);
    const hidden = Math.ceil(roundTripMs / pageMs);
    return Math.max(1, Math.min(hidden, this.#limits.pagesMax));
  }
}
