import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

import { PARTS_MAX } from "../src/api/limits.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError } from "./partial-file.ts";
import type { Upload } from "./restore-answers.ts";
import type { RestoreClient } from "./restore-client.ts";
import type { Terminal } from "./terminal.ts";

/**
 * How many parts are sent at once. With only one, each would wait for the previous answer. Each part takes its
 * length in memory.
 */
const CONCURRENCY = 3;

export interface UploadTask {
  client: RestoreClient;
  terminal: Terminal;
  signal: AbortSignal;
  upload: Upload;
  path: string;
  /** Its name in messages. */
  shown: string;
  bytes: number;
  sha256: string;
}

/**
 * Uploads the parts of a file that the Worker lacks, and completes the upload. Errors: `file` if the file changes
 * or cannot be read, `Interrupted`, and the Worker's own. Parts that arrived stay.
 */
export async function uploadScript(task: UploadTask): Promise<void> {
  const { client, terminal, upload, bytes, sha256 } = task;
  const parts = Math.ceil(bytes / upload.partBytes);
  if (parts > PARTS_MAX) {
    throw new CliError(
      "file",
      `${task.shown} has ${bytes} bytes: an upload takes ${PARTS_MAX} parts of ${upload.partBytes} bytes`,
      { exitCode: EXIT.failed, hint: "Compress the file with zstd or gzip." },
    );
  }
  const missing = listMissing(upload, parts);
  const file = await open(task.path, "r").catch((error: unknown) => {
    throw diskError(error, task.shown);
  });
  try {
    await sendParts(task, file, missing);
  } finally {
    await file.close();
    terminal.clearProgress();
  }
  await client.completeUpload(upload.fileId, { parts, sha256 });
}

/** How many bytes of the file the upload already has. */
export function countStoredBytes(upload: Upload, bytes: number): number {
  const parts = Math.ceil(bytes / upload.partBytes);
  const missing = listMissing(upload, parts);
  return bytes - missing.reduce((sum, number) => sum + partLength(upload, number, bytes), 0);
}

function listMissing({ storedParts }: Upload, parts: number): number[] {
  return Array.from({ length: parts }, (_, at) => at + 1).filter(
    (number) => !storedParts.some(({ first, last }) => first <= number && number <= last),
  );
}

function partLength({ partBytes }: Upload, number: number, bytes: number): number {
  return Math.min(partBytes, bytes - (number - 1) * partBytes);
}

async function sendParts(
  task: UploadTask,
  file: FileHandle,
  missing: readonly number[],
): Promise<void> {
  const { client, terminal, upload, bytes } = task;
  const show = showBytes(terminal.startProgress("uploading"), bytes);
  let done = countStoredBytes(upload, bytes);
  show(done);
  const queue = missing.values();
  // The first failure also ends the other calls.
  const stop = new AbortController();
  const signal = AbortSignal.any([task.signal, stop.signal]);
  let failure: unknown;
  const sendSome = async (): Promise<void> => {
    for (const number of queue) {
      if (signal.aborted) return;
      const part = await readPart(task, file, number);
      const sha256 = createHash("sha256").update(part).digest("hex");
      await client.putPart(upload.fileId, number, { bytes: part, sha256, signal });
      done += part.length;
      show(done);
    }
  };
  const senders = Array.from({ length: CONCURRENCY }, async () => {
    try {
      await sendSome();
    } catch (error) {
      failure ??= error;
      stop.abort();
    }
  });
  await Promise.all(senders);
  if (task.signal.aborted) throw new Interrupted();
  if (failure !== undefined) throw failure;
}

async function readPart(
  { upload, bytes, shown }: UploadTask,
  file: FileHandle,
  number: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = partLength(upload, number, bytes);
  const part = new Uint8Array(length);
  let read = 0;
  try {
    while (read < length) {
      const offset = (number - 1) * upload.partBytes + read;
      const { bytesRead } = await file.read(part, read, length - read, offset);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
  } catch (error) {
    throw diskError(error, shown);
  }
  if (read === length) return part;
  throw new CliError("file", `${shown}: it became shorter while it was uploaded`, {
    exitCode: EXIT.failed,
    hint: "Leave the file as it is, and run the same command again.",
  });
}
