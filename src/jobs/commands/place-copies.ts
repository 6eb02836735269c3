import type { ManifestCopy } from "../../api/copies.ts";
import { withWholeId } from "../../rpc/readable-key.ts";
import { isIdTaken } from "./choose-folder.ts";

/** Returns the copies that a new job must make, each in a folder that no other job has. */
export function placeCopies(
  sql: SqlStorage,
  { jobId, copies = [] }: { jobId: string; copies?: readonly ManifestCopy[] },
): readonly ManifestCopy[] {
  if (copies.length === 0 || !isIdTaken(sql, jobId)) return copies;
  return copies.map((copy) => ({ ...copy, folder: withWholeId(copy.folder, jobId) }));
}
