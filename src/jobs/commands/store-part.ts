import { ExportError } from "../../api/errors.ts";
import { PARTS_MAX } from "../../api/limits.ts";
import type { StoredPart } from "../../rpc/stored-object.ts";
import type { PartAttempt } from "../../rpc/upload-jobs.ts";
import { countPartAttempt, recordPartIf } from "../tables/file-part-rows.ts";
import { getFile, recordFileUse } from "../tables/file-rows.ts";

/**
 * Counts an attempt to store a part, and returns where to send it. The record of an earlier attempt stays until
 * this attempt is recorded. Errors: `file-not-found`, `part-invalid`.
 */
export function beginPart(
  sql: SqlStorage,
  { fileId, number, bytes }: { fileId: string; number: number; bytes: number },
): PartAttempt {
  const file = getFile(sql, fileId);
  if (file.completed_at_ms !== null) {
    throw new ExportError(
      "part-invalid",
      `part ${number} is refused: the file is complete. Start another upload`,
    );
  }
  if (bytes < 1 || bytes > file.part_bytes) {
    throw new ExportError(
      "part-invalid",
      `part ${number} has ${bytes} bytes, and a part of this file has 1 to ${file.part_bytes}`,
      { details: { part: number, partBytes: file.part_bytes } },
    );
  }
  if (file.upload_id === null || number < 1 || number > PARTS_MAX) {
    throw new ExportError("part-invalid", `the file cannot have a part ${number}`);
  }
  recordFileUse(sql, fileId, { atMs: Date.now(), users: [] });
  const attempt = countPartAttempt(sql, { fileId, number });
  return { upload: { key: file.object_key, uploadId: file.upload_id }, attempt };
}

/** Records a part that the store has. Errors: `file-not-found`; `part-invalid` if a later attempt has begun. */
export function recordPart(
  sql: SqlStorage,
  fileId: string,
  { attempt, part }: { attempt: number; part: StoredPart },
): null {
  getFile(sql, fileId);
  if (recordPartIf(sql, { fileId, number: part.number, attempt }, part)) return null;
  throw new ExportError(
    "part-invalid",
    `another upload of part ${part.number} began before this one ended, and counts instead of it`,
    { details: { part: part.number } },
  );
}
