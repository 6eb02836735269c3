import type { NewFile } from "../../rpc/upload-jobs.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { insertFile } from "../tables/file-rows.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";

/** Records a file that is about to be uploaded. Errors: `inline-storage-full`. */
export async function createFile(context: JobsContext, file: NewFile): Promise<null> {
  // Fails before the upload, and not at its last part.
  requireSpaceForFiles(context, file.announced.bytes ?? 1);
  insertFile(context.sql, file);
  await scheduleWatchdog(context);
  return null;
}
