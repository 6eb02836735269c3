import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

import type { CopyView } from "../../src/api/copies.ts";
import type { RetentionView } from "../../src/api/retention-policy.ts";
import { type Proof, PROOF_NONE } from "../../src/api/proof.ts";
import { ZipLayout } from "../../src/lib/zip-layout.ts";
import { sendJson, sendProblem, sha256Of } from "./fake-answers.ts";
import { FakeImports } from "./fake-imports.ts";

export { sendJson, sendProblem, sha256Of };

export const FAKE_TOKEN = "fake-token-0123456789";

/** A proof that ended well. */
export const PROVED = {
  state: "proved",
  at: "2026-11-01T00:00:01.500Z",
  seconds: 12.34,
  rows: 223_398,
  rowsWritten: 300_000,
  pieces: 8,
} as const;

export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Answers a request in place of the server; false leaves it to the server. */
type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

interface FakeJob {
  jobId: string;
  status: string;
  /** Polls of the job before it ends. */
  looksLeft: number;
  request: Record<string, unknown>;
  key: string;
}

export interface FakeOptions {
  /** True if manifests are of live exports. */
  isLive?: boolean;
  /** The files of every job, by name. */
  artifacts: Record<string, Buffer>;
  /** The plain content of files that are sealed, by the names of the sealed ones. Default: none. */
  sealedFrom?: Record<string, Buffer>;
  /** How often a job is polled before it ends. Default: 0. */
  looks?: number;
  /** The copies of every job. Default: none, as of an earlier version. */
  copies?: CopyView[];
  /** The retention of each job, in the order in which they start. Default: none, as of an earlier version. */
  retentions?: (RetentionView | null)[];
  /** The signature of every manifest. Default: none. */
  signature?: Buffer;
  /** How jobs end. Default: completed. */
  ending?: { status: string; error?: { code: string; message: string; hint: string } };
  /** Default: one table `t` of three rows. */
  tables?: { name: string; rows: number; bytes: number }[];
  /** The names of its sources. Default: `main`. */
  sources?: string[];
  /** Sources that no restore may write. */
  readOnlySources?: string[];
  /** The format that every manifest names. Default: sql. */
  format?: string;
  /** Rows of every job. Default: 3. */
  rows?: number;
  /** Of one table. Default: 0. */
  tablesDone?: number;
  /** How far the proof of every job is, in its view and manifest. Default: none, as of an earlier version. */
  proof?: Partial<Proof>;
}

/**
 * An HTTP server that answers like the Worker (DESIGN, section 3), as far as the command line needs
 * it, and that a test can make fail on the wire: `intercept` takes the next matching requests.
 */
export class FakeExportServer {
  readonly requests: RecordedRequest[] = [];
  readonly imports = new FakeImports();
  readonly options: FakeOptions;
  readonly #server: Server;
  readonly #jobs: FakeJob[] = [];
  readonly #intercepts: { matches: string; times: number; intercept: Intercept }[] = [];

  private constructor(server: Server, options: FakeOptions) {
    this.#server = server;
    this.options = options;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    });
  }

  static async start(options: FakeOptions): Promise<FakeExportServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeExportServer(server, options);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get jobs(): readonly Readonly<FakeJob>[] {
    return this.#jobs;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Lets `intercept` answer the next `times` requests whose "METHOD /path" contains `matches`. */
  intercept(matches: string, intercept: Intercept, times = 1): void {
    this.#intercepts.push({ matches, times, intercept });
  }

  requestsTo(matches: string): RecordedRequest[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}`.includes(matches));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const body = bytes.toString();
    this.requests.push({ method, path: url, headers, body });
    for (const each of this.#intercepts) {
      if (each.times === 0 || !`${method} ${url}`.includes(each.matches)) continue;
      each.times -= 1;
      if (each.intercept(request, response)) return;
    }
    if (url === "/health") return sendJson(response, 200, { status: "ok" });
    if (headers.authorization !== `Bearer ${FAKE_TOKEN}`) {
      return sendProblem(
        response,
        401,
        "unauthorized",
        "the bearer token does not match this Worker's",
      );
    }
    if (url.startsWith("/import/")) return this.imports.answer(request, response, bytes);
    this.#route(request, response, body);
  }

  #route({ method, url = "", headers }: IncomingMessage, response: ServerResponse, body: string) {
    const path = url.split("?")[0] ?? "";
    if (path === "/export/sources") {
      const names = this.options.sources ?? ["main"];
      const sources = names.map((name) => ({
        name,
        type: "durable-object",
        writable: this.options.readOnlySources?.includes(name) !== true,
        verify: { default: "checksum", available: ["checksum", "restore"] },
      }));
      const proof = { problem: null, rowsMax: 50_000_000 };
      const keys = { recipients: 0, signs: false, problem: null };
      return sendJson(response, 200, { version: "9.9.9", storage: "r2", proof, keys, sources });
    }
    if (path === "/export/destinations/probe") {
      return sendJson(response, 200, { destinations: [] });
    }
    if (path === "/export/jobs") {
      return sendJson(response, 200, {
        jobs: this.#jobs.map((job) => this.#view(job)).toReversed(),
        cursor: null,
      });
    }
    if (method === "POST") return this.#create(response, String(headers["idempotency-key"]), body);
    const [, jobId, rest] = /^\/export\/dump\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
    const job = this.#jobs.find((each) => each.jobId === jobId);
    if (this.imports.restores.some((restore) => restore.jobId === jobId)) {
      const detail = `job ${jobId} is a restore: ask for /import/dump/${jobId}`;
      return sendProblem(response, 404, "job-not-found", detail);
    }
    if (job === undefined) {
      return sendProblem(response, 404, "job-not-found", `there is no job "${jobId}"`);
    }
    if (method === "DELETE") return this.#remove(response, job);
    if (rest === undefined) {
      this.#advance(job);
      return sendJson(response, 200, this.#view(job));
    }
    if (rest === "manifest.sig" && this.options.signature !== undefined) {
      response.end(this.options.signature);
      return;
    }
    if (rest === "manifest") return sendJson(response, 200, this.manifestOf(job));
    const name = decodeURIComponent(rest.replace(/^download\/?/, ""));
    return this.#download(response, {
      job,
      name,
      range: headers.range,
      ifRange: headers["if-range"],
    });
  }

  #create(response: ServerResponse, key: string, body: string): void {
    const known = this.#jobs.find((job) => job.key === key);
    if (known !== undefined) return sendJson(response, 202, this.#view(known));
    const job: FakeJob = {
      jobId: randomUUID(),
      status: "running",
      looksLeft: this.options.looks ?? 0,
      request: JSON.parse(body) as FakeJob["request"],
      key,
    };
    this.#jobs.push(job);
    sendJson(response, 202, this.#view(job));
  }

  #advance(job: FakeJob): void {
    if (job.status !== "running") return;
    if (job.looksLeft === 0) job.status = this.options.ending?.status ?? "completed";
    else job.looksLeft -= 1;
  }

  #remove(response: ServerResponse, job: FakeJob): void {
    if (job.status === "running") {
      job.status = "cancelled";
      return sendJson(response, 200, this.#view(job));
    }
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    response.writeHead(204).end();
  }

  #download(
    response: ServerResponse,
    asked: {
      job: FakeJob;
      name: string;
      range: string | undefined;
      ifRange: string | string[] | undefined;
    },
  ): void {
    const { job, name, range } = asked;
    const [only, ...others] = Object.values(this.options.artifacts);
    const whole = others.length === 0 && only !== undefined ? only : this.zipOf(job);
    const bytes = name === "" ? whole : this.options.artifacts[name];
    if (bytes === undefined) {
      return sendProblem(response, 404, "artifact-not-found", `the job has no artifact ${name}`);
    }
    const etag = `"${sha256Of(bytes)}"`;
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    const isPart = first !== undefined && (asked.ifRange ?? etag) === etag;
    const start = isPart ? Number(first) : 0;
    const end = isPart && last !== "" ? Number(last) + 1 : bytes.length;
    const sent = bytes.subarray(start, end);
    response.writeHead(isPart ? 206 : 200, {
      etag,
      "content-length": sent.length,
      ...(isPart ? { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` } : {}),
    });
    response.end(sent);
  }

  /** The ZIP of a job, built as the Worker builds it. */
  zipOf(job: Pick<FakeJob, "jobId">): Buffer {
    const manifest = Buffer.from(JSON.stringify(this.manifestOf(job)));
    const signature = this.options.signature && { "manifest.json.sig": this.options.signature };
    const files = Object.entries({
      "manifest.json": manifest,
      ...signature,
      ...this.options.artifacts,
    });
    const entries = files.map(([name, content]) => ({
      name,
      bytes: content.length,
      crc32: crc32(content),
      content,
    }));
    const layout = new ZipLayout(entries, Date.UTC(2026, 10, 1));
    const stretches = [...layout.stretches({ offset: 0, length: layout.bytes })];
    return Buffer.concat(
      stretches.map((stretch) => (stretch.kind === "own" ? stretch.bytes : stretch.entry.content)),
    );
  }

  manifestOf(job: Pick<FakeJob, "jobId">): Record<string, unknown> {
    return {
      version: 1,
      generator: "fake",
      ...(this.options.signature && { signed: true }),
      jobId: job.jobId,
      source: "main",
      format: this.options.format ?? "sql",
      compression: "none",
      ...(this.options.isLive === true
        ? { consistency: "live", requestedConsistency: "live", snapshotMethod: null }
        : {
            consistency: "undo-log",
            requestedConsistency: "snapshot",
            snapshotMethod: "undo-log",
          }),
      snapshotAt: "2026-11-01T00:00:00.000Z",
      completedAt: "2026-11-01T00:00:01.000Z",
      tables: this.options.tables ?? [{ name: "t", rows: 3, bytes: 60 }],
      artifacts: Object.entries(this.options.artifacts).map(([stored, sent]) => {
        const plain = this.options.sealedFrom?.[stored];
        const bytes = plain ?? sent;
        return {
          name: plain === undefined ? stored : stored.replace(/\.age$/, ""),
          contentType: "application/sql",
          bytes: bytes.length,
          sha256: sha256Of(bytes),
          ...(plain && { sealed: { name: stored, bytes: sent.length, sha256: sha256Of(sent) } }),
          parts: [{ number: 1, bytes: bytes.length }],
          chunks: chunksOf(bytes),
          fieldOfTheFuture: true,
        };
      }),
      ...this.#proof(),
      warnings: [],
    };
  }

  #proof(): { proof?: Proof } {
    const { proof } = this.options;
    return proof === undefined ? {} : { proof: { ...PROOF_NONE, ...proof } };
  }

  #retention(job: FakeJob): { retention?: RetentionView | null } {
    const retention = this.options.retentions?.[this.jobs.indexOf(job)];
    return retention === undefined ? {} : { retention };
  }

  #view(job: FakeJob): Record<string, unknown> {
    const hasEnded = job.status !== "running";
    return {
      jobId: job.jobId,
      status: job.status,
      source: "main",
      format: "sql",
      compression: "none",
      consistency: "snapshot",
      requestedConsistency: "snapshot",
      snapshotMethod: "undo-log",
      createdAt: "2026-11-01T00:00:00.000Z",
      progress: {
        percent: hasEnded ? 100 : null,
        tablesDone: this.options.tablesDone ?? 0,
        tablesTotal: 1,
        rows: this.options.rows ?? 3,
        bytes: 60,
        bytesPerSecond: null,
        etaSeconds: null,
      },
      verify: job.request["verify"] ?? "checksum",
      ...this.#proof(),
      ...this.#retention(job),
      ...(this.options.copies === undefined ? {} : { copies: this.options.copies }),
      warnings: [],
      error: hasEnded ? (this.options.ending?.error ?? null) : null,
      fieldOfTheFuture: { anything: true },
    };
  }
}

/** Two chunks, without gaps. */
function chunksOf(bytes: Buffer): { bytes: number; sha256: string; run: number }[] {
  const middle = Math.floor(bytes.length / 2);
  return [bytes.subarray(0, middle), bytes.subarray(middle)].map((chunk) => ({
    bytes: chunk.length,
    sha256: sha256Of(chunk),
    run: 1,
  }));
}
