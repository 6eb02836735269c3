import type { UploadView } from "../../api/upload.ts";
import { listPartRuns, sumStoredParts } from "../tables/file-part-rows.ts";
import { type FileRow, getFile, getFileDueMs } from "../tables/file-rows.ts";

/** Returns an upload as its users see it; its links are paths. Errors: `file-not-found`. */
export function getUploadView(sql: SqlStorage, fileId: string): UploadView {
  const file = getFile(sql, fileId);
  const self = `/import/files/${fileId}`;
  return {
    fileId,
    name: file.name,
    partBytes: file.part_bytes,
    ...getStored(sql, file),
    sha256: file.sha256,
    createdAt: new Date(file.created_at_ms).toISOString(),
    expiresAt: new Date(getFileDueMs(file)).toISOString(),
    links: { self, part: `${self}/parts/{number}`, complete: `${self}/complete` },
  };
}

function getStored(
  sql: SqlStorage,
  file: FileRow,
): Pick<UploadView, "status" | "parts" | "bytes" | "storedParts"> {
  if (file.completed_at_ms === null) {
    const storedParts = listPartRuns(sql, file.file_id);
    return { status: "uploading", ...sumStoredParts(sql, file.file_id), storedParts };
  }
  const { part_count: parts, bytes } = file;
  return { status: "completed", parts, bytes, storedParts: [{ first: 1, last: parts }] };
}
