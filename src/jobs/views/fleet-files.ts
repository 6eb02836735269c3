import { COMPRESSIONS } from "../../api/compressions.ts";
import type { BatchAttempt } from "../../rpc/fleet-jobs.ts";
import { toPackKeys } from "../../rpc/object-key.ts";
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
