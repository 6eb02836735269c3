import { forgetObjects } from "../../storage/inline/inline-objects.ts";
import { deleteBlobs } from "../tables/blob-rows.ts";
import { deleteCopies } from "../tables/copy-rows.ts";
import { deleteJobRow } from "../tables/job-rows.ts";
import { deletePlanned } from "./commit-plan.ts";
import { deleteMemberRows } from "./discard-fleet.ts";

/**
 * Removes every row of a job except those of its discards, which stay until the files are removed.
 */
export function deleteJobRows(sql: SqlStorage, jobId: string): void {
  deleteBlobs(sql, jobId);
  forgetObjects(sql, jobId);
  deletePlanned(sql, jobId);
  deleteCopies(sql, jobId);
  deleteMemberRows(sql, jobId);
  deleteJobRow(sql, jobId);
}
