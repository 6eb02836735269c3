import { createHash } from "node:crypto";

import { ExportError } from "../../api/errors.ts";
import type { CopiedFile, CopiedPart, CopyUpload } from "../../rpc/copy-jobs.ts";
import type { ByteRange } from "../../storage/artifact-store.ts";
import type { CopiedContent } from "./copied-content.ts";
import { type CopyPlace, hashBytes } from "./copy-place.ts";

/** A large file, and how far its copy is. */
export interface LargeFile {
  file: CopiedFile;
  content: CopiedContent;
  upload: CopyUpload;
  /** Those that the destination has. */
  parts: readonly CopiedPart[];
}

/** Returns how many parts a file has. */
export function countParts({ content, upload }: LargeFile): number {
  return Math.ceil(content.bytes / upload.partBytes);
}

/**
 * Sends parts after those that the destination has, until the step is over, and returns them. At
 * least one is sent. The next part is read while one is sent. Errors: `artifact-corrupt` if the
 * destination has lost the upload, `artifact-missing`.
 */
export async function sendParts(place: CopyPlace, large: LargeFile): Promise<CopiedPart[]> {
  const { file, content, upload, parts } = large;
  const total = countParts(large);
  const to = { key: place.keyOf(file), uploadId: upload.uploadId };
  const sent: CopiedPart[] = [];
  let next = content.read(rangeOf(large, parts.length + 1));
  for (let number = parts.length + 1; ; number += 1) {
    const bytes = await next;
    const isLast = number === total;
    if (!isLast) {
      next = content.read(rangeOf(large, number + 1));
      // If it fails after this step has ended, nobody waits for it.
      next.catch(() => undefined);
    }
    const part = await place.to.putPart(to, number, bytes);
    place.count({ bytes: bytes.byteLength, writes: 1 });
    sent.push({ ...part, sha256: hashBytes(bytes) });
    if (isLast || place.isOver()) return sent;
    await place.beat();
  }
}

/**
 * Creates the object from its parts and checks what arrived: by the checksum that the destination
 * itself computed, or else by reading parts back until the step is over. Returns how many parts are
 * checked. Errors: `artifact-corrupt` if the destination has other bytes or has lost the upload.
 */
export async function checkObject(place: CopyPlace, large: LargeFile): Promise<number> {
  const { file, upload, parts } = large;
  const key = place.keyOf(file);
  let checked = upload.checkedParts;
  if (checked === 0) {
    const stored = parts.map(({ number, bytes, etag }) => ({ number, bytes, etag }));
    await place.to.completeUpload({ key, uploadId: upload.uploadId }, stored);
    place.count({ writes: 1 });
    const checksum = await place.to.findChecksum?.(key);
    if (checksum !== undefined) {
      if (checksum.sha256 !== hashOfHashes(parts)) throw changed(file.name);
      return parts.length;
    }
  }
  while (checked < parts.length) {
    const arrived = await place.readCopy(file, rangeOf(large, checked + 1));
    if (arrived === undefined || hashBytes(arrived) !== parts[checked]?.sha256) {
      throw changed(file.name);
    }
    checked += 1;
    if (place.isOver()) break;
    await place.beat();
  }
  return checked;
}

function rangeOf(
  { content: { bytes }, upload: { partBytes } }: LargeFile,
  number: number,
): ByteRange {
  const offset = (number - 1) * partBytes;
  return { offset, length: Math.min(partBytes, bytes - offset) };
}

function hashOfHashes(parts: readonly CopiedPart[]): string {
  const hash = createHash("sha256");
  for (const { sha256 } of parts) hash.update(sha256, "hex");
  return hash.digest("hex");
}

function changed(name: string): ExportError {
  return new ExportError("artifact-corrupt", `${name} did not arrive as it was sent`);
}
