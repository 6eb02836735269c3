import * as v from "valibot";

import type { ErrorCode } from "../src/api/error-codes.ts";
import type { ExportRequestInput } from "../src/api/export-request.ts";
import type { JobState } from "../src/api/job-state.ts";
import {
  type DestinationProbes,
  DestinationProbesSchema,
  type Job,
  JobListSchema,
  JobSchema,
  ManifestSchema,
  type ManifestText,
  type Sources,
  SourcesSchema,
} from "./answers.ts";
import { ApiCaller, type Call } from "./api-caller.ts";
import { CliError } from "./cli-error.ts";

/** The body of `POST /export/dump`, with the values that the user typed: the Worker checks them. */
export type RequestBody = Partial<Record<keyof ExportRequestInput, unknown>>;

/** One page of a list, newest first. */
export interface JobPage {
  status?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** The calls of the API for exports, and for what a Worker reports about itself. */
export class ApiClient extends ApiCaller {
  /** Starts a job, or returns the job that this key already started. */
  startJob(body: RequestBody, idempotencyKey: string, signal?: AbortSignal): Promise<Job> {
    return this.json(JobSchema, {
      method: "POST",
      path: "/export/dump",
      headers: { "idempotency-key": idempotencyKey },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  getJob(jobId: string): Promise<Job> {
    return this.json(JobSchema, { method: "GET", path: jobPath(jobId) });
  }

  listJobs(page: JobPage): Promise<{ jobs: Job[]; cursor: string | null }> {
    return this.json(JobListSchema, { method: "GET", path: `/export/jobs?${toSearch(page)}` });
  }

  /**
   * Cancels a running job; removes an ended one with its files, unless `only` is `cancel`. A Worker of version 0.1
   * ignores `only`. Idempotent.
   */
  async removeJob(
    jobId: string,
    { only, ...options }: Pick<Call, "signal" | "retry"> & { only?: "cancel" } = {},
  ): Promise<JobState | null> {
    const path = `${jobPath(jobId)}${only === undefined ? "" : `?only=${only}`}`;
    const answer = await this.call({ method: "DELETE", path, ...options });
    if (answer.response.status === 204) return null;
    return this.check(JobSchema, answer).status;
  }

  async getManifest(jobId: string): Promise<ManifestText> {
    const answer = await this.call({ method: "GET", path: `${jobPath(jobId)}/manifest` });
    return { text: answer.text, manifest: this.check(ManifestSchema, answer) };
  }

  /** Returns the signature of a job's manifest. Errors: `artifact-not-found` if it has none. */
  async getSignature(jobId: string): Promise<Uint8Array<ArrayBuffer>> {
    const path = `${jobPath(jobId)}/manifest.sig`;
    const { response } = await this.call({ method: "GET", path, isDownload: true });
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Returns sources and store; undefined if the Worker is too old to report them. */
  async findSources(): Promise<Sources | undefined> {
    try {
      return await this.json(SourcesSchema, { method: "GET", path: "/export/sources" });
    } catch (error) {
      const code: ErrorCode = "not-found";
      if (error instanceof CliError && error.code === code) return undefined;
      throw error;
    }
  }

  /**
   * Has the Worker write, read and remove an object at each destination; undefined if it is too old
   * to do that.
   */
  async probeDestinations(): Promise<DestinationProbes | undefined> {
    try {
      const path = "/export/destinations/probe";
      return await this.json(DestinationProbesSchema, { method: "POST", path });
    } catch (error) {
      const code: ErrorCode = "not-found";
      if (error instanceof CliError && error.code === code) return undefined;
      throw error;
    }
  }

  /** Checks that a Durable Export Worker answers at the URL; needs no token. */
  async checkHealth(): Promise<void> {
    await this.json(v.looseObject({ status: v.literal("ok") }), {
      method: "GET",
      path: "/health",
    });
  }

  /**
   * Opens the bytes of one artifact, or, without a name, of all of the job's artifacts. The caller
   * must resume if the body breaks off.
   */
  async openDownload(
    jobId: string,
    artifact: string | undefined,
    options: { headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<Response> {
    const name = artifact === undefined ? "" : `/${encodeURIComponent(artifact)}`;
    return this.openFile(`${jobPath(jobId)}/download${name}`, options);
  }

  /** Opens the bytes that a route sends; as `openDownload`. */
  async openFile(
    path: string,
    options: { headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<Response> {
    const { response } = await this.call({
      method: "GET",
      path,
      // Without this, the platform may compress the response, and ranges would count other bytes.
      headers: { "accept-encoding": "identity", ...options.headers },
      signal: options.signal,
      redirect: "follow",
      isDownload: true,
    });
    return response;
  }

  /**
   * Returns the size and entity tag of the ZIP of all artifacts. It requests one byte of the ZIP,
   * because a HEAD response contains no error details.
   */
  async getArchive(jobId: string): Promise<{ bytes: number; etag: string }> {
    const response = await this.openDownload(jobId, undefined, {
      headers: { range: "bytes=0-0" },
      signal: this.signal,
    });
    await response.body?.cancel();
    const etag = response.headers.get("etag");
    const total = /^bytes 0-0\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
    if (response.status !== 206 || etag === null || total === undefined) {
      throw this.refuseAnswer(response);
    }
    return { bytes: Number(total), etag };
  }
}

/** Returns the query string for one page of a list. */
export function toSearch({ status, limit, cursor }: JobPage): string {
  const search = new URLSearchParams({ limit: String(limit) });
  if (status !== undefined) search.set("status", status);
  if (cursor !== undefined) search.set("cursor", cursor);
  return String(search);
}

function jobPath(jobId: string): string {
  return `/export/dump/${encodeURIComponent(jobId)}`;
}
