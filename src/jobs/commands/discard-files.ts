import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import { forgetObjects } from "../../storage/inline/inline-objects.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { findSealing } from "../tables/artifact-sealing-columns.ts";
import { dropCarry, dropTurn } from "../tables/blob-rows.ts";
import { insertDiscard } from "../tables/discard-rows.ts";
import type { JobRow } from "../tables/job-rows.ts";
import { findFolder } from "../views/job-folder.ts";
import { discardScratch } from "./commit-proof.ts";
import { discardFleetFiles } from "./discard-fleet.ts";

/**
 * Discards everything that a job has in the store, and its scratch database, for a job that ends without its files, restarts,
 * expires or is deleted. Call it inside the transaction of that change. `removeDiscards` then
 * removes the files, and the watchdog removes them once more a minute later.
 */
export function discardFiles(sql: SqlStorage, job: JobRow, nowMs: number): void {
  const { job_id: jobId } = job;
  for (const { ordinal, objectKey, state, uploadId } of listArtifacts(sql, jobId)) {
    const sealing = findSealing(sql, jobId, ordinal);
    if (sealing !== null) {
      insertDiscard(sql, { ...sealing, objectKey: sealing.key }, { jobId, nowMs });
    }
    const isOpen = state === "uploading" || state === "written";
    insertDiscard(sql, { objectKey, uploadId: isOpen ? uploadId : "" }, { jobId, nowMs });
  }
  const folder = findFolder(job);
  if (folder !== null) {
    const objectKey = toManifestKey({ folder });
    insertDiscard(sql, { objectKey, uploadId: "" }, { jobId, nowMs });
    if (job.is_signed === 1) {
      const signature = { objectKey: toSignatureKey({ folder }), uploadId: "" };
      insertDiscard(sql, signature, { jobId, nowMs });
    }
  }
  discardFleetFiles(sql, job, nowMs);
  discardScratch(sql, job, nowMs);
  forgetObjects(sql, jobId);
  dropCarry(sql, jobId);
  dropTurn(sql, jobId);
}
