import { isActive } from "../../api/job-state.ts";
import { ExportError } from "../../api/errors.ts";
import type { PackMember } from "../../api/pack-index.ts";
import type { FleetInfo, FleetJobs, PackRecord } from "../../rpc/fleet-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { findMember, readPackIndex } from "./find-member.ts";

type Answer<Method extends keyof FleetJobs> = Promise<Awaited<ReturnType<FleetJobs[Method]>>>;

/** Where `locateMember` looks. */
export interface FleetPlaces {
  store: ArtifactStore;
  fleetInfo: (fleetId: string) => Answer<"fleetInfo">;
  memberRecords: (...given: Parameters<FleetJobs["memberRecords"]>) => Answer<"memberRecords">;
}

/** The place of a member's dump: a range of a pack, or the artifact of an export job. */
export type LocatedMember =
  | { kind: "packed"; fleet: FleetInfo; pack: PackRecord; member: PackMember }
  | { kind: "exported"; fleet: FleetInfo; jobId: string };

/**
 * Finds a member's dump in a completed fleet. It reads one index. Errors: `job-not-found`, `export-not-finished`,
 * `export-expired`, `export-not-downloadable`; `member-not-found` if the fleet has no dump of the member;
 * `artifact-missing` if the index is gone; those of the store.
 */
export async function locateMember(
  { store, fleetInfo, memberRecords }: FleetPlaces,
  fleetId: string,
  { name, id }: { name?: string | undefined; id?: string | undefined },
): Promise<LocatedMember> {
  const fleet = unwrap(await fleetInfo(fleetId));
  requireCompleted(fleet);
  const namedBy = name === undefined ? "id" : "name";
  const wanted = name ?? id ?? "";
  const missing = (why: string): ExportError =>
    new ExportError(
      "member-not-found",
      `fleet ${fleetId} has no dump of ${JSON.stringify(wanted.slice(0, 100).toWellFormed())}: ${why}`,
    );
  if (fleet.list?.namedBy !== namedBy) {
    throw missing(`it names its objects by their ${fleet.list?.namedBy ?? "name"}s`);
  }
  const found = unwrap(await memberRecords(fleetId, { first: wanted, last: wanted, limit: 1 }));
  const [pack] = found.packs;
  const member = pack && findMember(await readPackIndex(store, pack.indexKey), wanted);
  if (pack !== undefined && member !== undefined) return { kind: "packed", fleet, pack, member };
  const [exported] = found.exports;
  if (exported !== undefined) return { kind: "exported", fleet, jobId: exported.jobId };
  const [failure] = found.failures;
  if (failure !== undefined) throw missing(`${failure.code}: ${failure.message}`);
  throw missing("the object is not in its list, or had no tables");
}

/** Errors: `export-not-finished`, `export-expired`, `export-not-downloadable`. */
export function requireCompleted({ fleetId, status }: FleetInfo): void {
  if (status === "completed") return;
  if (isActive(status)) {
    throw new ExportError("export-not-finished", `fleet ${fleetId} is ${status}`);
  }
  if (status === "expired") {
    throw new ExportError("export-expired", `the files of fleet ${fleetId} have expired`);
  }
  throw new ExportError("export-not-downloadable", `fleet ${fleetId} is ${status}`);
}
