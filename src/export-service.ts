import { WorkerEntrypoint } from "cloudflare:workers";

import type { ExportRequestInput } from "./api/export-request.ts";
import type { FleetManifest } from "./api/fleet-manifest.ts";
import type { FleetRequestInput } from "./api/fleet-request.ts";
import type { FleetList, FleetView, MemberPage } from "./api/fleet-view.ts";
import type { JobList, JobView } from "./api/job-view.ts";
import type { Manifest } from "./api/manifest.ts";
import type { QueryInput, QueryRow } from "./api/query-request.ts";
import type { RestoreRequestInput } from "./api/restore-request.ts";
import type { RestoreList, RestoreView } from "./api/restore-view.ts";
import type { SourceList } from "./api/source-list.ts";
import type { StreamRequestInput } from "./api/stream-query.ts";
import { createServiceApp } from "./app.ts";
import { ExportClient } from "./client/export-client.ts";
import type {
  DownloadOptions,
  ListFilter,
  MemberFilter,
  SignedManifest,
  StartOptions,
} from "./client/client-options.ts";
import type { ExportEnv } from "./config/bindings.ts";

const app = createServiceApp();

/** Options that cross RPC: a signal does not. */
type Plain<TOptions> = Omit<TOptions, "signal">;

/**
 * The API for other Workers of the account, through a service binding with `"entrypoint": "ExportService"`. Callers
 * have the access of the full token, and need no token. Each method runs the same code as its HTTP route. A refused
 * call throws an Error whose message starts with the code (`job-not-found: …`). With the compatibility flag
 * `enhanced_error_serialization` it also has `code`, `status`, `hint` and `jobId`.
 */
export class ExportService extends WorkerEntrypoint<ExportEnv> {
  /** Private, because only methods of the class can be called over RPC. */
  readonly #client = new ExportClient({
    // This host does not count as local development, whose rules are weaker.
    url: "https://service-binding.invalid",
    token: "",
    fetch: async (url, init) => app.fetch(new Request(url, init), this.env, this.ctx),
    retries: 0,
  });

  /** Starts an export, and returns its job. */
  start(request?: ExportRequestInput, options?: Plain<StartOptions>): Promise<JobView> {
    return this.#client.start(request, options);
  }

  /** Returns a job. */
  get(jobId: string): Promise<JobView> {
    return this.#client.get(jobId);
  }

  /** Returns a page of the jobs, newest first. */
  list(filter?: Plain<ListFilter>): Promise<JobList> {
    return this.#client.list(filter);
  }

  /** Cancels a running job and returns it. A job that has ended is returned unchanged. */
  cancel(jobId: string): Promise<JobView> {
    return this.#client.cancel(jobId);
  }

  /** Deletes a job that has ended, with its files, and returns null. Cancels a running job, and returns it. */
  delete(jobId: string): Promise<JobView | null> {
    return this.#client.delete(jobId);
  }

  /** Returns the answer with a job's file, or a ZIP of several. Its body is streamed. */
  download(jobId: string, options?: Plain<DownloadOptions>): Promise<Response> {
    return this.#client.download(jobId, options);
  }

  /** Returns a completed job's manifest. */
  manifest(jobId: string): Promise<Manifest> {
    return this.#client.manifest(jobId);
  }

  /** Returns the bytes of a job's manifest, and its signature over them. */
  signedManifest(jobId: string): Promise<SignedManifest> {
    return this.#client.signedManifest(jobId);
  }

  /** Returns the databases that this Worker can export, and where it stores files. */
  sources(): Promise<SourceList> {
    return this.#client.sources();
  }

  /** Starts a restore, and returns it. */
  restore(request: RestoreRequestInput, options?: Plain<StartOptions>): Promise<RestoreView> {
    return this.#client.restore(request, options);
  }

  /** Returns a restore. */
  getRestore(jobId: string): Promise<RestoreView> {
    return this.#client.getRestore(jobId);
  }

  /** Returns a page of the restores, newest first. */
  listRestores(filter?: Plain<ListFilter>): Promise<RestoreList> {
    return this.#client.listRestores(filter);
  }

  /** Cancels a running restore and returns it. A restore that has ended is returned unchanged. */
  cancelRestore(jobId: string): Promise<RestoreView> {
    return this.#client.cancelRestore(jobId);
  }

  /** Cancels a running restore and returns it. Deletes a restore that has ended, and returns null. */
  deleteRestore(jobId: string): Promise<RestoreView | null> {
    return this.#client.deleteRestore(jobId);
  }

  /** Starts a fleet, and returns it. */
  startFleet(request?: FleetRequestInput, options?: Plain<StartOptions>): Promise<FleetView> {
    return this.#client.startFleet(request, options);
  }

  /** Returns a fleet. */
  getFleet(fleetId: string): Promise<FleetView> {
    return this.#client.getFleet(fleetId);
  }

  /** Returns a page of the fleets, newest first. */
  listFleets(filter?: Plain<ListFilter>): Promise<FleetList> {
    return this.#client.listFleets(filter);
  }

  /** Returns a page of a fleet's members, by name. */
  listMembers(fleetId: string, filter?: Plain<MemberFilter>): Promise<MemberPage> {
    return this.#client.listMembers(fleetId, filter);
  }

  /** Cancels a running fleet and returns it. A fleet that has ended is returned unchanged. */
  cancelFleet(fleetId: string): Promise<FleetView> {
    return this.#client.cancelFleet(fleetId);
  }

  /** Deletes a fleet that has ended, with its files, and returns null. Cancels a running fleet, and returns it. */
  deleteFleet(fleetId: string): Promise<FleetView | null> {
    return this.#client.deleteFleet(fleetId);
  }

  /** Returns a completed fleet's manifest. */
  fleetManifest(fleetId: string): Promise<FleetManifest> {
    return this.#client.fleetManifest(fleetId);
  }

  /** Returns the bytes of a fleet's manifest, and its signature over them. */
  signedFleetManifest(fleetId: string): Promise<SignedManifest> {
    return this.#client.signedFleetManifest(fleetId);
  }

  /** Returns the answer with the dump of one member of a fleet. Its body is streamed. */
  downloadMember(fleetId: string, member: { name: string } | { id: string }): Promise<Response> {
    return this.#client.downloadMember(fleetId, member);
  }

  /**
   * Returns the answer that contains a dump. The Worker reads the database while it sends the dump, and creates no
   * job.
   */
  stream(request?: StreamRequestInput): Promise<Response> {
    return this.#client.stream(request);
  }

  /** Runs an SQL text in the embedded database, all or nothing, and returns the rows of its last statement. */
  query(query: QueryInput): Promise<QueryRow[]> {
    return this.#client.query(query);
  }

  /** Runs several SQL texts in one transaction, and returns the rows of each. */
  transaction(queries: QueryInput[]): Promise<QueryRow[][]> {
    return this.#client.transaction(queries);
  }
}
