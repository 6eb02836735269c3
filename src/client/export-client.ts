import type { ExportRequestInput } from "../api/export-request.ts";
import type { FleetManifest } from "../api/fleet-manifest.ts";
import type { FleetRequestInput } from "../api/fleet-request.ts";
import type { FleetList, FleetView, MemberPage } from "../api/fleet-view.ts";
import type { JobList, JobView } from "../api/job-view.ts";
import type { Manifest } from "../api/manifest.ts";
import type { QueryInput, QueryRow } from "../api/query-request.ts";
import type { RestoreRequestInput } from "../api/restore-request.ts";
import type { RestoreList, RestoreView } from "../api/restore-view.ts";
import type { SourceList } from "../api/source-list.ts";
import type { StreamRequestInput } from "../api/stream-query.ts";
import type {
  CallOptions,
  DownloadOptions,
  EventsOptions,
  ExportClientOptions,
  JobEvent,
  ListFilter,
  MemberFilter,
  SignedManifest,
  StartOptions,
  WaitOptions,
} from "./client-options.ts";
import { type Call, Connection } from "./connection.ts";
import { followJob, waitForEnd } from "./follow-job.ts";

/**
 * A client of the HTTP API that uses `fetch`, for browsers, Node, Deno and Workers. A refused call throws an
 * `ExportApiError`; a failed connection throws what `fetch` throws. After 429 or 503, every call except `query` and
 * `transaction` is repeated. It waits as long as `Retry-After` says (at most 2 minutes), otherwise 1, 2 and 4
 * seconds.
 */
export class ExportClient {
  readonly #connection: Connection;

  /** Throws a TypeError if `url` is not a URL. */
  constructor(options: ExportClientOptions) {
    this.#connection = new Connection(options);
  }

  /** Starts an export, and returns its job. Errors: among others `export-already-running`, with the running `jobId`. */
  async start(
    request: ExportRequestInput = {},
    { idempotencyKey = makeRandomKey(), signal }: StartOptions = {},
  ): Promise<JobView> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#connection.readJson({
      method: "POST",
      path: "/export/dump",
      headers,
      body: request,
      signal,
    });
  }

  /** Returns a job. Errors: `job-not-found`. */
  async get(jobId: string, { signal }: CallOptions = {}): Promise<JobView> {
    return this.#connection.readJson({ path: jobPath(jobId), jobId, signal });
  }

  /** Returns a page of the jobs, newest first. `cursor` is null on the last page. */
  async list({ signal, ...filter }: ListFilter = {}): Promise<JobList> {
    return this.#connection.readJson({ path: `/export/jobs${formatQuery(filter)}`, signal });
  }

  /** Cancels a running job and returns it. A job that has ended is returned unchanged. Errors: `job-not-found`. */
  async cancel(jobId: string, { signal }: CallOptions = {}): Promise<JobView> {
    const path = `${jobPath(jobId)}?only=cancel`;
    return this.#connection.readJson({ method: "DELETE", path, jobId, signal });
  }

  /**
   * Deletes a job that has ended, with its files, or ends a stream, and returns null. A running job is only
   * cancelled, and returned. So is a job that was cancelled but has not ended. An unknown job counts as deleted.
   */
  async delete(jobId: string, { signal }: CallOptions = {}): Promise<JobView | null> {
    const response = await this.#connection.send({
      method: "DELETE",
      path: jobPath(jobId),
      jobId,
      signal,
    });
    if (response.status === 204) return null;
    const view: JobView = await response.json();
    return view;
  }

  /**
   * Follows a job to its end, and returns it: `completed`, `failed`, `cancelled` or `expired`. Errors: those of
   * `events`; `job-not-found` also if the job is removed while it is followed.
   */
  async wait(jobId: string, options: WaitOptions = {}): Promise<JobView> {
    return waitForEnd(jobId, this.events(jobId, { signal: options.signal }), options);
  }

  /**
   * Lists a job's events as they happen: `progress` when the job has changed, then `end` or `deleted`. If the
   * connection ends, it connects again after the last event. It throws if `retries` connections in a row bring
   * nothing.
   */
  events(jobId: string, options: EventsOptions = {}): AsyncGenerator<JobEvent, void, void> {
    return followJob<JobView>(this.#connection, { path: jobPath(jobId), jobId }, options);
  }

  /** Starts a restore, and returns it. Errors: among others `target-not-empty` and `target-not-writable`. */
  async restore(
    request: RestoreRequestInput,
    { idempotencyKey = makeRandomKey(), signal }: StartOptions = {},
  ): Promise<RestoreView> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#connection.readJson({
      method: "POST",
      path: "/import/dump",
      headers,
      body: request,
      signal,
    });
  }

  /** Returns a restore. Errors: `job-not-found`. */
  async getRestore(jobId: string, { signal }: CallOptions = {}): Promise<RestoreView> {
    return this.#connection.readJson({ path: restorePath(jobId), jobId, signal });
  }

  /** Returns a page of the restores, newest first. `cursor` is null on the last page. */
  async listRestores({ signal, ...filter }: ListFilter = {}): Promise<RestoreList> {
    return this.#connection.readJson({ path: `/import/jobs${formatQuery(filter)}`, signal });
  }

  /**
   * Cancels a running restore and returns it; the Worker then cleans up its target. A restore that has ended is
   * returned unchanged. Errors: `job-not-found`.
   */
  async cancelRestore(jobId: string, { signal }: CallOptions = {}): Promise<RestoreView> {
    const path = `${restorePath(jobId)}?only=cancel`;
    return this.#connection.readJson({ method: "DELETE", path, jobId, signal });
  }

  /**
   * Cancels a running restore and returns it; the Worker then cleans up its target. Deletes a restore that has
   * ended, and returns null. An unknown restore counts as deleted.
   */
  async deleteRestore(jobId: string, { signal }: CallOptions = {}): Promise<RestoreView | null> {
    const call = { method: "DELETE", path: restorePath(jobId), jobId, signal } as const;
    const response = await this.#connection.send(call);
    if (response.status === 204) return null;
    const view: RestoreView = await response.json();
    return view;
  }

  /**
   * Follows a restore to its end, and returns it: `completed`, `failed` or `cancelled`. Errors: those of `wait`.
   */
  async waitForRestore(
    jobId: string,
    options: WaitOptions<RestoreView> = {},
  ): Promise<RestoreView> {
    return waitForEnd(jobId, this.restoreEvents(jobId, { signal: options.signal }), options);
  }

  /** Lists a restore's events as they happen, like `events` for exports. */
  restoreEvents(
    jobId: string,
    options: EventsOptions = {},
  ): AsyncGenerator<JobEvent<RestoreView>, void, void> {
    return followJob<RestoreView>(this.#connection, { path: restorePath(jobId), jobId }, options);
  }

  /** Starts a fleet, and returns it. Errors: among others `export-already-running`. */
  async startFleet(
    request: FleetRequestInput = {},
    { idempotencyKey = makeRandomKey(), signal }: StartOptions = {},
  ): Promise<FleetView> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#connection.readJson({
      method: "POST",
      path: "/export/fleet",
      headers,
      body: request,
      signal,
    });
  }

  /** Returns a fleet. Errors: `job-not-found`. */
  async getFleet(fleetId: string, { signal }: CallOptions = {}): Promise<FleetView> {
    return this.#connection.readJson({ path: fleetPath(fleetId), jobId: fleetId, signal });
  }

  /** Returns a page of the fleets, newest first. `cursor` is null on the last page. */
  async listFleets({ signal, ...filter }: ListFilter = {}): Promise<FleetList> {
    return this.#connection.readJson({ path: `/export/fleets${formatQuery(filter)}`, signal });
  }

  /**
   * Returns a page of a fleet's members, by name. A page with `status` may have no members although others follow:
   * continue until `cursor` is null.
   */
  async listMembers(
    fleetId: string,
    { signal, ...filter }: MemberFilter = {},
  ): Promise<MemberPage> {
    const path = `${fleetPath(fleetId)}/members${formatQuery(filter)}`;
    return this.#connection.readJson({ path, jobId: fleetId, signal });
  }

  /** Cancels a running fleet and returns it. A fleet that has ended is returned unchanged. Errors: `job-not-found`. */
  async cancelFleet(fleetId: string, { signal }: CallOptions = {}): Promise<FleetView> {
    const path = `${fleetPath(fleetId)}?only=cancel`;
    return this.#connection.readJson({ method: "DELETE", path, jobId: fleetId, signal });
  }

  /**
   * Deletes a fleet that has ended, with its files, and returns null. A running fleet is only cancelled, and returned.
   * An unknown fleet counts as deleted.
   */
  async deleteFleet(fleetId: string, { signal }: CallOptions = {}): Promise<FleetView | null> {
    const call = { method: "DELETE", path: fleetPath(fleetId), jobId: fleetId, signal } as const;
    const response = await this.#connection.send(call);
    if (response.status === 204) return null;
    const view: FleetView = await response.json();
    return view;
  }

  /** Follows a fleet to its end, and returns it. Errors: those of `wait`. */
  async waitForFleet(fleetId: string, options: WaitOptions<FleetView> = {}): Promise<FleetView> {
    return waitForEnd(fleetId, this.fleetEvents(fleetId, { signal: options.signal }), options);
  }

  /** Lists a fleet's events as they happen, to its end. Reconnects and errors as `events` does. */
  fleetEvents(
    fleetId: string,
    options: EventsOptions = {},
  ): AsyncGenerator<JobEvent<FleetView>, void, void> {
    const path = fleetPath(fleetId);
    return followJob<FleetView>(this.#connection, { path, jobId: fleetId }, options);
  }

  /** Returns a completed fleet's manifest. Errors: among others `export-not-finished`. */
  async fleetManifest(fleetId: string, { signal }: CallOptions = {}): Promise<FleetManifest> {
    const path = `${fleetPath(fleetId)}/manifest`;
    return this.#connection.readJson({ path, jobId: fleetId, signal });
  }

  /** Returns a fleet's manifest as it was signed. Errors: those of `signedManifest`. */
  async signedFleetManifest(
    fleetId: string,
    { signal }: CallOptions = {},
  ): Promise<SignedManifest> {
    return this.#readSigned({ path: fleetPath(fleetId), jobId: fleetId, signal });
  }

  /**
   * Returns the answer that contains the dump of one member of a fleet, before its body is read. Errors: among others
   * `member-not-found`.
   */
  async downloadMember(
    fleetId: string,
    member: { name: string } | { id: string },
    { headers = {}, signal }: Omit<DownloadOptions, "artifact"> = {},
  ): Promise<Response> {
    const path = `${fleetPath(fleetId)}/download${formatQuery(member)}`;
    return this.#connection.send({ path, jobId: fleetId, headers, signal });
  }

  /**
   * Returns the answer that contains a file, before its body is read. Errors: among others `export-not-finished`.
   */
  async download(
    jobId: string,
    { artifact, headers = {}, signal }: DownloadOptions = {},
  ): Promise<Response> {
    const name = artifact === undefined ? "" : `/${encodeURIComponent(artifact)}`;
    return this.#connection.send({
      path: `${jobPath(jobId)}/download${name}`,
      jobId,
      headers,
      signal,
    });
  }

  /** Returns a completed job's manifest. Errors: among others `export-not-finished`. */
  async manifest(jobId: string, { signal }: CallOptions = {}): Promise<Manifest> {
    return this.#connection.readJson({ path: `${jobPath(jobId)}/manifest`, jobId, signal });
  }

  /**
   * Returns a job's manifest as it was signed: `crypto.subtle.verify("Ed25519", publicKey, signature, manifest)` checks
   * it. Errors: among others `artifact-not-found` if the Worker does not sign.
   */
  async signedManifest(jobId: string, { signal }: CallOptions = {}): Promise<SignedManifest> {
    return this.#readSigned({ path: jobPath(jobId), jobId, signal });
  }

  /** Returns the databases that the Worker can export, and where it stores files. */
  async sources({ signal }: CallOptions = {}): Promise<SourceList> {
    return this.#connection.readJson({ path: "/export/sources", signal });
  }

  /**
   * Returns the answer that contains a dump, before its body is read. The Worker reads the database while it sends
   * the dump, and creates no job.
   */
  async stream(request: StreamRequestInput = {}, { signal }: CallOptions = {}): Promise<Response> {
    return this.#connection.send({ path: `/export/dump${formatQuery(request)}`, signal });
  }

  /**
   * Runs an SQL text in the embedded database, all or nothing, and returns the rows of its last statement. Never
   * repeats the call. Errors: among others `query-failed`.
   */
  async query(query: QueryInput, { signal }: CallOptions = {}): Promise<QueryRow[]> {
    return this.#runQueries<QueryRow[]>(query, signal);
  }

  /** Runs several SQL texts in one transaction, like `query`, and returns the rows of each. */
  async transaction(
    queries: readonly QueryInput[],
    { signal }: CallOptions = {},
  ): Promise<QueryRow[][]> {
    return this.#runQueries<QueryRow[][]>({ transaction: queries }, signal);
  }

  async #readSigned({ path, ...call }: Call): Promise<SignedManifest> {
    const read = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
      const response = await this.#connection.send({ path: `${path}/${name}`, ...call });
      return new Uint8Array(await response.arrayBuffer());
    };
    // First: the manifest may be large, and the signature may not exist.
    const signature = await read("manifest.sig");
    return { manifest: await read("manifest"), signature };
  }

  async #runQueries<T>(body: object, signal: AbortSignal | undefined): Promise<T> {
    const call = { method: "POST", path: "/query", body, mayRepeat: false, signal } as const;
    return (await this.#connection.readJson<{ result: T }>(call)).result;
  }
}

function restorePath(jobId: string): string {
  return `/import/dump/${encodeURIComponent(jobId)}`;
}

function fleetPath(fleetId: string): string {
  return `/export/fleet/${encodeURIComponent(fleetId)}`;
}

function jobPath(jobId: string): string {
  return `/export/dump/${encodeURIComponent(jobId)}`;
}

/** A list becomes several parameters with the same name. */
function formatQuery(values: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Pages loaded over plain HTTP lack `crypto.randomUUID`. */
function makeRandomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
