import type { FleetRequestInput } from "../src/api/fleet-request.ts";
import { type ApiClient, type JobPage, toSearch } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import {
  type Fleet,
  FleetListSchema,
  FleetSchema,
  type Member,
  MemberPageSchema,
} from "./fleet-answers.ts";
import type { RemoteFile } from "./transfer.ts";

/** The body of `POST /export/fleet`, with the values that the user typed: the Worker checks them. */
export type FleetBody = Partial<Record<keyof FleetRequestInput, unknown>>;

/** A member, by its name or by its id. */
export type MemberChoice = { name: string } | { id: string };

/** A member's file as it can be downloaded. */
export interface MemberFile {
  file: RemoteFile;
  sha256: string;
}

/** The API's calls for fleets. Errors and repeats are those of `ApiClient`. */
export class FleetClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Starts a fleet, or returns the fleet that this key already started. */
  start(body: FleetBody, idempotencyKey: string, signal: AbortSignal): Promise<Fleet> {
    return this.#api.json(FleetSchema, {
      method: "POST",
      path: "/export/fleet",
      headers: { "idempotency-key": idempotencyKey },
      body,
      signal,
    });
  }

  get(fleetId: string): Promise<Fleet> {
    return this.#api.json(FleetSchema, { method: "GET", path: fleetPath(fleetId) });
  }

  list(page: JobPage): Promise<{ fleets: Fleet[]; cursor: string | null }> {
    return this.#api.json(FleetListSchema, {
      method: "GET",
      path: `/export/fleets?${toSearch(page)}`,
    });
  }

  /** Returns a page of a fleet's members, by name. */
  listMembers(
    fleetId: string,
    { prefix, ...page }: JobPage & { prefix: string | undefined },
  ): Promise<{ members: Member[]; cursor: string | null }> {
    const search = toSearch(page);
    const filter = prefix === undefined ? "" : `&prefix=${encodeURIComponent(prefix)}`;
    return this.#api.json(MemberPageSchema, {
      method: "GET",
      path: `${fleetPath(fleetId)}/members?${search}${filter}`,
    });
  }

  /** Finds a member's file: it requests one byte, because a HEAD response contains no error details. */
  async findFile(fleetId: string, member: MemberChoice): Promise<MemberFile> {
    const path = `${fleetPath(fleetId)}/download?${String(new URLSearchParams(member))}`;
    const response = await this.#api.openFile(path, {
      headers: { range: "bytes=0-0" },
      signal: this.#api.signal,
    });
    await response.body?.cancel();
    const etag = response.headers.get("etag") ?? "";
    const [, sha256] = /^"([0-9a-f]{64})"$/.exec(etag) ?? [];
    const [, total] = /^bytes 0-0\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
    const [, name] =
      /filename="([^"/\\]+)"/.exec(response.headers.get("content-disposition") ?? "") ?? [];
    if (sha256 === undefined || total === undefined || name === undefined) {
      throw new CliError("download-wrong", "the Worker did not describe the member's file", {
        exitCode: EXIT.failed,
      });
    }
    return { file: { artifact: undefined, path, name, bytes: Number(total), etag }, sha256 };
  }
}

function fleetPath(fleetId: string): string {
  return `/export/fleet/${encodeURIComponent(fleetId)}`;
}
