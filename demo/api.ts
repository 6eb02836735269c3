import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import type { ExportRequestInput } from "../src/api/export-request.ts";
import type { FleetView } from "../src/api/fleet-view.ts";
import type { FleetRequestInput } from "../src/api/fleet-request.ts";
import type { JobView } from "../src/api/job-view.ts";
import type { Manifest } from "../src/api/manifest.ts";

const POLL_MS = 250;
/** A job whose view does not change for this long is abandoned. */
const STALL_MS = 600_000;

/** An unsuccessful response: its problem's `code` and `detail`. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly code: string;
  readonly detail: string;

  constructor(call: string, { code, detail }: { code: string; detail: string }) {
    super(`${call}: ${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
  }
}

/** Calls the HTTP API with one token. Every unsuccessful response throws an `ApiProblem`. */
export class Api {
  readonly #url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  /** `signal` ends every call, including the running one. */
  constructor(options: { url: string; token: string; signal: AbortSignal }) {
    this.#url = options.url;
    this.#token = options.token;
    this.#signal = options.signal;
  }

  async query(sql: string): Promise<unknown> {
    return (await this.#json<{ result: unknown }>("POST", "/query", { sql })).result;
  }

  /** All or nothing. */
  async transaction(statements: string[]): Promise<void> {
    await this.#json("POST", "/query", { transaction: statements.map((sql) => ({ sql })) });
  }

  /** Starts an export of the default source: a plain SQL dump, unless the request says otherwise. */
  async startExport(request: ExportRequestInput): Promise<JobView> {
    return this.#json("POST", "/export/dump", request);
  }

  /** Polls the job until it has ended; throws unless it is completed, or its proof has failed. */
  async waitForExport(job: JobView, onView: (view: JobView) => void): Promise<JobView> {
    const view = await this.#poll(job, onView);
    if (view.status === "completed" || view.proof.state === "failed") return view;
    throw new Error(`the export is ${view.status}: ${view.error?.code} ${view.error?.message}`);
  }

  /** Runs a fleet to its end; throws unless it is completed. */
  async runFleet(
    request: FleetRequestInput,
    onView: (view: FleetView) => void,
  ): Promise<FleetView> {
    const started = await this.post<FleetView>("/export/fleet", request);
    const view = await this.#poll(started, onView);
    if (view.status === "completed") return view;
    throw new Error(`the fleet is ${view.status}: ${view.error?.code} ${view.error?.message}`);
  }

  /** Polls what was started until it has ended, and returns its last view. */
  async #poll<View extends JobView | FleetView>(
    started: View,
    onView: (view: View) => void,
  ): Promise<View> {
    let last = { text: "", atMs: Date.now() };
    for (;;) {
      const view = await this.#json<View>("GET", started.links.self);
      onView(view);
      if (view.status !== "queued" && view.status !== "running") return view;
      const text = JSON.stringify(view);
      if (text !== last.text) last = { text, atMs: Date.now() };
      if (Date.now() - last.atMs > STALL_MS) throw new Error(`nothing makes progress: ${text}`);
      await sleep(POLL_MS, undefined, { signal: this.#signal });
    }
  }

  async post<T>(link: string, body: unknown): Promise<T> {
    return this.#json<T>("POST", link, body);
  }

  /** Returns a small file, and its entity tag. */
  async read(link: string): Promise<{ bytes: Uint8Array; etag: string | null }> {
    const response = await this.#fetch("GET", link);
    return { bytes: await response.bytes(), etag: response.headers.get("etag") };
  }

  async manifest(view: JobView): Promise<Manifest> {
    return this.#json("GET", view.links.manifest);
  }

  /**
   * Streams the body at `link` into a file, and returns the size and SHA-256 of what was written.
   */
  async download(
    link: string,
    { path, onBytes }: { path: string; onBytes: (bytes: number) => void },
  ): Promise<{ bytes: number; sha256: string }> {
    const response = await this.#fetch("GET", link);
    const hash = createHash("sha256");
    const file = await open(path, "w");
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        hash.update(chunk);
        await file.writeFile(chunk);
        bytes += chunk.length;
        onBytes(bytes);
      }
    } finally {
      await file.close();
    }
    return { bytes, sha256: hash.digest("hex") };
  }

  async #json<T>(method: string, link: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, link, body);
    return (await response.json()) as T;
  }

  async #fetch(method: string, link: string, body?: unknown): Promise<Response> {
    const response = await fetch(new URL(link, this.#url), {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: this.#signal,
    });
    if (response.ok) return response;
    throw new ApiProblem(`${method} ${link}`, await readProblem(response));
  }
}

async function readProblem(response: Response): Promise<{ code: string; detail: string }> {
  const text = await response.text();
  try {
    const { code, detail } = JSON.parse(text) as { code: string; detail: string };
    return { code, detail };
  } catch {
    return { code: String(response.status), detail: text.slice(0, 500) };
  }
}
