import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import { sendJson, sendProblem, sha256Of } from "./fake-answers.ts";

/** Small, so that a short script has several parts. */
export const FAKE_PART_BYTES = 100;

interface FakeFile {
  fileId: string;
  name: string;
  announced: { bytes: number; sha256: string };
  parts: Map<number, Buffer>;
  isCompleted: boolean;
}

interface FakeRestore {
  jobId: string;
  key: string;
  request: Record<string, unknown>;
  status: string;
  looksLeft: number;
}

export interface FakeImportOptions {
  /** How often a restore is looked at before it ends, one phase each. Default: 0. */
  looks?: number;
  /** Members of the ended restore's view. Default: completed and equal. */
  ending?: Record<string, unknown>;
}

const PHASES = ["scan", "safety-export", "clear", "load", "verify"];

/** Answers the routes below `/import/` as src/api/upload.ts and src/routes/restores.ts describe them. */
export class FakeImports {
  readonly files: FakeFile[] = [];
  readonly restores: FakeRestore[] = [];
  options: FakeImportOptions = {};

  /** The bytes of a file, as far as it has arrived. */
  bytesOf(file: FakeFile): Buffer {
    return Buffer.concat([...file.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
  }

  answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { method = "", url = "", headers } = request;
    const path = url.split("?")[0] ?? "";
    const [, id = "", rest = ""] =
      /^\/import\/(?:files|dump)\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
    if (path === "/import/files") return this.#startUpload(response, parse(body));
    if (path.startsWith("/import/files/")) {
      return this.#answerFile(response, { method, id, rest, body, headers });
    }
    if (path === "/import/jobs") {
      const jobs = this.restores.map((restore) => this.view(restore));
      return sendJson(response, 200, { jobs, cursor: null });
    }
    if (path === "/import/dump") {
      return this.#start(response, String(headers["idempotency-key"]), parse(body));
    }
    const restore = this.restores.find((each) => each.jobId === id);
    if (restore === undefined) {
      return sendProblem(response, 404, "job-not-found", `there is no job ${id}`);
    }
    if (method === "DELETE") return this.#remove(response, restore);
    if (restore.looksLeft > 0) restore.looksLeft -= 1;
    else if (restore.status === "running") restore.status = "ended";
    sendJson(response, 200, this.view(restore));
  }

  #startUpload(response: ServerResponse, request: Record<string, unknown>): void {
    const file: FakeFile = {
      fileId: randomUUID(),
      name: String(request["name"]),
      announced: { bytes: Number(request["bytes"]), sha256: String(request["sha256"]) },
      parts: new Map(),
      isCompleted: false,
    };
    this.files.push(file);
    sendJson(response, 201, this.#fileView(file));
  }

  #answerFile(
    response: ServerResponse,
    call: {
      method: string;
      id: string;
      rest: string;
      body: Buffer;
      headers: IncomingMessage["headers"];
    },
  ): void {
    const { method, id, rest, body, headers } = call;
    const file = this.files.find(({ fileId }) => fileId === id);
    if (file === undefined) {
      return sendProblem(response, 404, "file-not-found", `there is no file ${id}`);
    }
    if (rest === "complete") {
      const bytes = this.bytesOf(file);
      const { parts } = parse(body);
      if (file.parts.size !== parts) {
        return sendProblem(response, 409, "file-not-complete", "a part is missing");
      }
      if (sha256Of(bytes) !== file.announced.sha256 || bytes.length !== file.announced.bytes) {
        return sendProblem(response, 422, "file-differs", "the file differs");
      }
      file.isCompleted = true;
    } else if (rest.startsWith("parts/")) {
      if (method !== "PUT" || sha256Of(body) !== headers["content-sha256"]) {
        return sendProblem(response, 422, "part-invalid", "the part differs");
      }
      const number = Number(rest.slice("parts/".length));
      file.parts.set(number, body);
      return sendJson(response, 200, { number, bytes: body.length, sha256: sha256Of(body) });
    }
    sendJson(response, 200, this.#fileView(file));
  }

  #fileView(file: FakeFile): Record<string, unknown> {
    const self = `/import/files/${file.fileId}`;
    return {
      fileId: file.fileId,
      name: file.name,
      status: file.isCompleted ? "completed" : "uploading",
      partBytes: FAKE_PART_BYTES,
      parts: file.parts.size,
      storedParts: [...file.parts.keys()].map((number) => ({ first: number, last: number })),
      bytes: this.bytesOf(file).length,
      sha256: file.isCompleted ? file.announced.sha256 : null,
      createdAt: "2026-11-01T00:00:00.000Z",
      expiresAt: "2026-11-02T00:00:00.000Z",
      links: { self, part: `${self}/parts/{number}`, complete: `${self}/complete` },
    };
  }

  #start(response: ServerResponse, key: string, request: Record<string, unknown>): void {
    const known = this.restores.find((restore) => restore.key === key);
    if (known !== undefined) return sendJson(response, 202, this.view(known));
    const { fileId } = request["from"] as { fileId?: string };
    const isStored = this.files.some((file) => file.fileId === fileId && file.isCompleted);
    if (fileId !== undefined && !isStored) {
      return sendProblem(response, 404, "file-not-found", `there is no file ${fileId}`);
    }
    const restore: FakeRestore = {
      jobId: randomUUID(),
      key,
      request,
      status: "running",
      looksLeft: this.options.looks ?? 0,
    };
    this.restores.push(restore);
    sendJson(response, 202, this.view(restore));
  }

  #remove(response: ServerResponse, restore: FakeRestore): void {
    if (restore.status === "running") {
      restore.status = "cancelled";
      return sendJson(response, 200, this.view(restore));
    }
    this.restores.splice(this.restores.indexOf(restore), 1);
    response.writeHead(204).end();
  }

  view(restore: FakeRestore): Record<string, unknown> {
    const { jobId, request, looksLeft } = restore;
    const name = request["name"];
    const isRunning = restore.status === "running";
    const ending =
      restore.status === "ended" ? { status: "completed", ...this.options.ending } : {};
    return {
      kind: "restore",
      jobId,
      status: restore.status === "ended" ? "completed" : restore.status,
      target: request["target"] ?? "main",
      object: typeof name === "string" ? { name } : null,
      mode: request["mode"] ?? "empty",
      from: request["from"],
      createdAt: "2026-11-01T00:00:00.000Z",
      startedAt: "2026-11-01T00:00:01.000Z",
      completedAt: isRunning ? null : "2026-11-01T00:00:04.000Z",
      progress: {
        phase: isRunning ? (PHASES[PHASES.length - 1 - looksLeft] ?? "scan") : "done",
        percent: isRunning ? 40 : 100,
        textBytes: 240,
        textBytesTotal: 240,
        statements: 3,
        statementsTotal: 3,
        rows: 2,
        bytesPerSecond: 1_000,
        etaSeconds: 5,
      },
      safetyExport: null,
      verification: { method: "counts", state: "equal", pieces: 1, piecesTotal: 1, rows: 2 },
      warnings: [],
      error: null,
      fieldOfTheFuture: true,
      ...ending,
    };
  }
}

function parse(body: Buffer): Record<string, unknown> {
  return JSON.parse(body.toString()) as Record<string, unknown>;
}
