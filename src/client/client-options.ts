import type { MemberState } from "../api/fleet-view.ts";
import type { JobState } from "../api/job-state.ts";
import type { JobView } from "../api/job-view.ts";

export interface ExportClientOptions {
  /** The Worker's URL, including the path at which the routes are mounted. */
  url: string;
  /** A bearer token of the Worker. It is sent only to `url`: redirects are not followed. */
  token: string;
  /** Sends the requests; default: the global `fetch`. A service binding's is `(...call) => env.EXPORT.fetch(...call)`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** How many times a repeatable call is repeated after 429 or 503; default 3. */
  retries?: number | undefined;
}

/** What every call accepts. */
export interface CallOptions {
  /** Aborts the call and its waits, which then throw the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface StartOptions extends CallOptions {
  /** A repeat with the same key returns the same job. Default: a random key for each call of `start`. */
  idempotencyKey?: string | undefined;
}

/** Which jobs `list` returns. */
export interface ListFilter extends CallOptions {
  status?: JobState | undefined;
  /** 1 to 100; default 20. */
  limit?: number | undefined;
  /** The `cursor` of the previous page. */
  cursor?: string | undefined;
}

/** Which members of a fleet `listMembers` returns. */
export interface MemberFilter extends Omit<ListFilter, "status"> {
  /** What their names begin with. */
  prefix?: string | undefined;
  status?: MemberState | undefined;
}

export interface WaitOptions<View = JobView> extends CallOptions {
  /** Receives each view that differs from the previous one, at most twice a second, and the last view. */
  onProgress?: ((job: View) => void) | undefined;
}

export interface EventsOptions extends CallOptions {
  /** The `id` of the last event received: only later events follow. */
  lastEventId?: string | undefined;
}

/** An event of an export or a restore: it changed, ended, or was removed. */
export type JobEvent<View = JobView> =
  | { type: "progress" | "end"; id: string; job: View }
  | { type: "deleted"; id: string; job: null };

export interface DownloadOptions extends CallOptions {
  /** The name of one artifact; default: the only one, or a ZIP of all. */
  artifact?: string | undefined;
  /** More request headers, such as `Range` or `If-None-Match`. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** A manifest, and its signature. */
export interface SignedManifest {
  /** The bytes that were signed: the manifest as JSON. */
  manifest: Uint8Array<ArrayBuffer>;
  /** 64 bytes: the raw Ed25519 signature. */
  signature: Uint8Array<ArrayBuffer>;
}
