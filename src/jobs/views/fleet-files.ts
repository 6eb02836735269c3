import { COMPRESSIONS } from "../../api/compressions.ts";
import type { BatchAttempt } from "../../rpc/fleet-jobs.ts";
import { toPackKeys } from "../../rpc/object-key.ts";
import { listStoredPacks } from "../tables/fleet-pack-rows.ts";
import { parseFleetRequest } from "../tables/job-fleet-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";
import { getFolder } from "./job-folder.ts";

/** Returns the end of the names of a fleet's files, such as `.sql.gz`. */
function findFleetSuffix(job: JobRow): string {
  return `.sql${COMPRESSIONS[parseFleetRequest(job).compression].suffix}`;
}

/** Returns the keys of a batch's pack and its index. */
export function findPackKeys(job: JobRow, batch: BatchAttempt): { pack: string; index: string } {
  return toPackKeys({
    folder: getFolder(job),
    suffix: findFleetSuffix(job),
    number: batch.number,
    attempt: batch.attempt,
  });
}

/** A file of a fleet, as a copy of it needs it. */
interface FleetFile {
  /** The end of its key, which the manifest contains. */
  name: string;
  objectKey: string;
  contentType: string;
  bytes: number;
  sha256: string;
}

/** Returns the packs of a fleet in order, and then their indexes, which are small: one step copies many of those. */
export function listFleetFiles(sql: SqlStorage, job: JobRow): FleetFile[] {
  const { contentType } = COMPRESSIONS[parseFleetRequest(job).compression];
  const packs = listStoredPacks(sql, job.job_id, { from: "", limit: Number.MAX_SAFE_INTEGER });
  const files = packs.map((pack) => ({ ...pack, keys: findPackKeys(job, pack) }));
  return [
    ...files.map(({ keys, bytes, sha256 }) => ({
      ...nameFile(keys.pack),
      contentType: contentType ?? "application/sql",
      bytes,
      sha256,
    })),
    ...files.map(({ keys, index_bytes: bytes, index_sha256: sha256 }) => ({
      ...nameFile(keys.index),
      contentType: "application/json",
      bytes,
      sha256,
    })),
  ];
}

function nameFile(objectKey: string): { name: string; objectKey: string } {
  return { name: objectKey.slice(objectKey.lastIndexOf("/") + 1), objectKey };
}
