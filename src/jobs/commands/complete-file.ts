import { ExportError } from "../../api/errors.ts";
import type { UploadView } from "../../api/upload.ts";
import type { StoredPart } from "../../rpc/stored-object.ts";
import type { FileToMake, MadeFile } from "../../rpc/upload-jobs.ts";
import type { JobsContext } from "../jobs-context.ts";
import { deleteFileParts, forgetRepeatedParts, listStoredParts } from "../tables/file-part-rows.ts";
import { type FileRow, getFile, recordFileUse, recordMadeFile } from "../tables/file-rows.ts";
import { getUploadView } from "../views/upload-view.ts";
import { discardFile } from "./remove-file.ts";
import { removeDiscardsNow } from "./remove-discards.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";

/** How many parts a message names. */
const NAMED_PARTS_MAX = 20;

/**
 * Returns what the store needs to create a file from its first `parts` parts, or the view of a completed file.
 * Errors: `file-not-found`, `file-not-complete`, `part-invalid`, `file-differs`.
 */
export function beginCompletion(
  sql: SqlStorage,
  fileId: string,
  { parts: count, sha256 }: { parts: number; sha256: string | null },
): FileToMake | { view: UploadView } {
  const file = getFile(sql, fileId);
  requireSameHash(file.sha256 ?? file.announced_sha256, sha256);
  if (file.completed_at_ms !== null) {
    if (file.part_count === count) return { view: getUploadView(sql, fileId) };
    throw new ExportError("part-invalid", `the file is complete, and has ${file.part_count} parts`);
  }
  const parts = listStoredParts(sql, { fileId, limit: count });
  requireAllParts(file, parts, count);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (file.announced_bytes !== null && file.announced_bytes !== bytes) {
    throw new ExportError(
      "file-differs",
      `the ${count} parts have ${bytes} bytes, and ${file.announced_bytes} were announced`,
    );
  }
  recordFileUse(sql, fileId, { atMs: Date.now(), users: [] });
  return { upload: { key: file.object_key, uploadId: file.upload_id ?? "" }, parts, bytes };
}

function requireSameHash(known: string | null, sha256: string | null): void {
  if (known === null || sha256 === null || known === sha256) return;
  throw new ExportError("file-differs", `the file has SHA-256 ${known}, and not ${sha256}`);
}

function requireAllParts(file: FileRow, parts: readonly StoredPart[], count: number): void {
  for (let number = 1; number <= count; number += 1) {
    const part = parts[number - 1];
    if (part?.number !== number) {
      throw new ExportError("file-not-complete", `part ${number} of ${count} is not stored`, {
        details: { part: number },
      });
    }
    if (number < count && part.bytes !== file.part_bytes) {
      throw new ExportError(
        "part-invalid",
        `part ${number} of ${count} has ${part.bytes} bytes instead of ${file.part_bytes}`,
        { details: { part: number, partBytes: file.part_bytes } },
      );
    }
  }
}

/**
 * Handles a store that refused to create a file because its parts differ from the recorded ones. Returns the view
 * if another call has completed the file in the meantime. Errors: `file-not-found`; `part-invalid`, which names the
 * parts to upload again; `file-differs` if no part can be the reason.
 */
export function refuseFile(sql: SqlStorage, fileId: string): UploadView {
  if (getFile(sql, fileId).completed_at_ms !== null) return getUploadView(sql, fileId);
  const parts = forgetRepeatedParts(sql, fileId);
  if (parts.length > 0) {
    const named = parts.slice(0, NAMED_PARTS_MAX).join(", ");
    const more =
      parts.length > NAMED_PARTS_MAX ? ` and ${parts.length - NAMED_PARTS_MAX} more` : "";
    throw new ExportError(
      "part-invalid",
      `uploads of the same part overlapped: upload part ${named}${more} again, then complete the file`,
      { details: { parts } },
    );
  }
  throw new ExportError("file-differs", "the store does not have the parts that it confirmed");
}

/**
 * Records that the store has a file, and returns its view. Errors: `file-not-found`; `file-differs` if the hash is
 * not the announced one. The file is then discarded, because it can take no more parts.
 */
export async function completeFile(
  context: JobsContext,
  fileId: string,
  { announcedSha256, ...made }: MadeFile,
): Promise<UploadView> {
  const { sql, storage } = context;
  const file = getFile(sql, fileId);
  if (file.completed_at_ms !== null) return getUploadView(sql, fileId);
  const announced = file.announced_sha256 ?? announcedSha256;
  if (announced !== null && announced !== made.sha256) {
    await discardNow(context, fileId);
    throw new ExportError(
      "file-differs",
      `the file has SHA-256 ${made.sha256}, and ${announced} was announced; it is now deleted`,
    );
  }
  storage.transactionSync(() => {
    recordMadeFile(sql, fileId, { ...made, nowMs: Date.now() });
    deleteFileParts(sql, fileId);
  });
  return getUploadView(sql, fileId);
}

async function discardNow(context: JobsContext, fileId: string): Promise<void> {
  discardFile(context, fileId);
  await scheduleWatchdog(context);
  await removeDiscardsNow(context, fileId);
}
