import type { JobView } from "../../src/api/job-view.ts";
import { isActive } from "../../src/api/job-state.ts";
import type { FleetList, FleetView } from "../../src/api/fleet-view.ts";
import type { RestoreView } from "../../src/api/restore-view.ts";
import type { SourceList } from "../../src/api/source-list.ts";
import type { ExportClient } from "../../src/client/export-client.ts";
import { type Fleet, toFleet } from "./fleets.ts";
import {
  appendOlder,
  dropJob,
  EMPTY_HISTORY,
  type History,
  mergeNewest,
  putJob,
} from "./history.ts";
import { isAbort, type Problem, toProblem } from "./problem.ts";

/** The most that the API returns in one page. */
const PAGE_JOBS = 100;

/** How many jobs are loaded without a request: about three years of one nightly export. */
const LOADED_JOBS = 1_000;

/** How often the newest jobs are read: often while something runs. */
const IDLE_MS = 15_000;
const ACTIVE_MS = 3_000;

const toFleetPage = ({ fleets, cursor }: FleetList) => ({ jobs: fleets.map(toFleet), cursor });

/** Everything that the page knows. A new object each time it changes. */
export interface PageData {
  sources: SourceList | null;
  exports: History<JobView>;
  restores: History<RestoreView>;
  fleets: History<Fleet>;
  /** True until the first answers have arrived. */
  isLoading: boolean;
  isLoadingOlder: boolean;
  /** Why the last reading failed; null if it did not. What is shown is then of `checkedAtMs`. */
  problem: Problem | null;
  /** When the newest jobs were read. */
  checkedAtMs: number | null;
}

/** Reads the jobs and sources of a Worker, and keeps them current while the page is visible. */
export class Store {
  readonly client: ExportClient;
  #data: PageData = {
    sources: null,
    exports: EMPTY_HISTORY,
    restores: EMPTY_HISTORY,
    fleets: EMPTY_HISTORY,
    isLoading: true,
    isLoadingOlder: false,
    problem: null,
    checkedAtMs: null,
  };
  readonly #listeners = new Set<() => void>();
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | undefined;

  constructor(client: ExportClient) {
    this.client = client;
  }

  get data(): PageData {
    return this.#data;
  }

  /** Calls `listener` after each change. Returns the function that ends this. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts to read, now and regularly. */
  start(): void {
    const { signal } = this.#abort;
    const look = (): void => {
      if (document.visibilityState === "visible") void this.refresh();
    };
    document.addEventListener("visibilitychange", look, { signal });
    globalThis.addEventListener("online", look, { signal });
    void this.refresh();
  }

  /** Ends all calls. */
  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  /** Reads the newest jobs. Never throws: a failure is `problem`. */
  refresh(): Promise<void> {
    clearTimeout(this.#timer);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
      this.#schedule();
    });
    return this.#reading;
  }

  /** Loads older exports until there are `wanted`, or all. */
  async loadOlder(wanted: number): Promise<void> {
    if (this.#data.isLoadingOlder) return;
    this.#set({ isLoadingOlder: true });
    try {
      for (;;) {
        const { exports } = this.#data;
        if (exports.cursor === null || exports.jobs.length >= wanted) break;
        const { cursor } = exports;
        const page = await this.client.list({ limit: PAGE_JOBS, cursor, ...this.#options() });
        // Something else has moved the end of the history meanwhile.
        if (this.#data.exports.cursor !== cursor) continue;
        this.#set({ exports: appendOlder(this.#data.exports, page) });
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#set({ isLoadingOlder: false });
    }
  }

  /** Loads older restores, one page. */
  async loadOlderRestores(): Promise<void> {
    const { cursor } = this.#data.restores;
    if (cursor === null) return;
    try {
      const page = await this.client.listRestores({ limit: PAGE_JOBS, cursor, ...this.#options() });
      this.#set({ restores: appendOlder(this.#data.restores, page) });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Loads older fleets, one page. */
  async loadOlderFleets(): Promise<void> {
    const { cursor } = this.#data.fleets;
    if (cursor === null) return;
    try {
      const page = await this.client.listFleets({ limit: PAGE_JOBS, cursor, ...this.#options() });
      this.#set({ fleets: appendOlder(this.#data.fleets, toFleetPage(page)) });
    } catch (error) {
      this.#fail(error);
    }
  }

  putExport(job: JobView): void {
    this.#set({ exports: putJob(this.#data.exports, job) });
    this.#schedule();
  }

  putRestore(job: RestoreView): void {
    this.#set({ restores: putJob(this.#data.restores, job) });
    this.#schedule();
  }

  putFleet(view: FleetView): void {
    this.#set({ fleets: putJob(this.#data.fleets, toFleet(view)) });
    this.#schedule();
  }

  dropFleet(fleetId: string): void {
    this.#set({ fleets: dropJob(this.#data.fleets, fleetId) });
  }

  dropExport(jobId: string): void {
    this.#set({ exports: dropJob(this.#data.exports, jobId) });
  }

  dropRestore(jobId: string): void {
    this.#set({ restores: dropJob(this.#data.restores, jobId) });
  }

  async #read(): Promise<void> {
    try {
      const isFirst = this.#data.checkedAtMs === null;
      const limit = isFirst ? PAGE_JOBS : 50;
      const [sources, jobs, restores, fleets] = await Promise.all([
        this.client.sources(this.#options()),
        this.client.list({ limit, ...this.#options() }),
        this.client.listRestores({ limit, ...this.#options() }),
        this.client.listFleets({ limit, ...this.#options() }),
      ]);
      this.#set({
        sources,
        exports: mergeNewest(this.#data.exports, jobs),
        restores: mergeNewest(this.#data.restores, restores),
        fleets: mergeNewest(this.#data.fleets, toFleetPage(fleets)),
        isLoading: false,
        problem: null,
        checkedAtMs: Date.now(),
      });
      void this.loadOlder(LOADED_JOBS);
    } catch (error) {
      this.#fail(error);
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    const { exports, restores, fleets } = this.#data;
    const isBusy = [exports, restores, fleets].some(({ jobs }) =>
      jobs.slice(0, 50).some(({ status }) => isActive(status)),
    );
    this.#timer = setTimeout(
      () => {
        if (document.visibilityState === "visible") void this.refresh();
        else this.#schedule();
      },
      isBusy ? ACTIVE_MS : IDLE_MS,
    );
  }

  #options(): { signal: AbortSignal } {
    return { signal: this.#abort.signal };
  }

  #fail(error: unknown): void {
    if (!isAbort(error)) this.#set({ isLoading: false, problem: toProblem(error) });
  }

  #set(changes: Partial<PageData>): void {
    this.#data = { ...this.#data, ...changes };
    for (const listener of this.#listeners) listener();
  }
}
