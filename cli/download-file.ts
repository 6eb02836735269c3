import { rm, stat } from "node:fs/promises";

import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes, formatSeconds } from "./format.ts";
import { findFileKind, PartialFile, partialPathOf, proveFile } from "./partial-file.ts";
import { type Progress, Rate } from "./progress.ts";
import type { Proof } from "./proof.ts";
import type { Terminal } from "./terminal.ts";
import { type RemoteFile, transferFile } from "./transfer.ts";

export interface DownloadOptions {
  client: ApiClient;
  terminal: Terminal;
  jobId: string;
  file: RemoteFile;
  /** Returns a new proof for each check of the data on disk. */
  newProof: () => Proof;
  /** The file's final name; bytes are collected next to it, at `partialPathOf(path)`. */
  path: string;
}

/**
 * Downloads a file into `path`. It resumes what an earlier attempt left and compares the data on
 * disk with the manifest. Only then does the file get its name, in place of any existing file. A
 * file that already has the right bytes stays unchanged. Returns the file's SHA-256. Errors:
 * `checksum-mismatch`, `disk-full`, and those of the transfer; the partial file is kept, except
 * after a mismatch.
 */
export async function downloadFile(options: DownloadOptions): Promise<string> {
  const known = await findProved(options);
  if (known !== undefined) return known;
  const partial = await PartialFile.open(options.path);
  try {
    const resumedBytes = partial.bytes;
    await fill(options, partial);
    let { isProved, sha256 } = await provePartial(options);
    // The beginning came from another run, and may be damaged or belong to another file. One attempt from the start
    // follows.
    if (!isProved && resumedBytes > 0) {
      await partial.restart();
      await fill(options, partial);
      ({ isProved, sha256 } = await provePartial(options));
    }
    if (!isProved) {
      await partial.restart();
      throw mismatch(options.file.name);
    }
    await partial.publish();
    return sha256;
  } catch (error) {
    await partial.close();
    if (partial.bytes === 0) await rm(partialPathOf(options.path), { force: true });
    throw error;
  } finally {
    options.terminal.clearProgress();
  }
}

/** Returns the SHA-256 of the existing data, if it is the file. */
async function findProved(options: DownloadOptions): Promise<string | undefined> {
  const { client, file, path, newProof } = options;
  if ((await findFileKind(path)) !== "file") return undefined;
  if ((await stat(path)).size !== file.bytes) return undefined;
  const { isProved, sha256 } = await proveFile(path, newProof(), { signal: client.signal });
  return isProved ? sha256 : undefined;
}

async function fill(options: DownloadOptions, partial: PartialFile): Promise<void> {
  const { client, terminal, jobId, file } = options;
  if (partial.bytes > 0 && partial.bytes < file.bytes) {
    const { bytes } = file;
    terminal.note(`resuming at ${formatBytes(partial.bytes)} of ${formatBytes(bytes)}`);
  }
  await partial.reserve(Math.max(file.bytes - partial.bytes, 0));
  const progress = terminal.startProgress("downloading");
  await transferFile({
    client,
    jobId,
    file,
    sink: partial,
    onBytes: showBytes(progress, file.bytes),
    onRetry: (line) => terminal.note(line),
  });
}

function provePartial({
  client,
  terminal,
  file,
  path,
  newProof,
}: DownloadOptions): Promise<ReturnType<Proof["end"]>> {
  const progress = terminal.startProgress("verifying");
  return proveFile(partialPathOf(path), newProof(), {
    signal: client.signal,
    onBytes: showBytes(progress, file.bytes),
  });
}

/** Shows the progress of a transfer whose total is known, with its rate and the time left. */
export function showBytes(progress: Progress, totalBytes: number): (bytes: number) => void {
  const rate = new Rate();
  return (bytes) => {
    const perSecond = rate.add(bytes, Date.now());
    const left =
      perSecond === undefined || perSecond <= 0
        ? []
        : [`${formatSeconds((totalBytes - bytes) / perSecond)} left`];
    const speed = perSecond === undefined ? [] : [`${formatBytes(Math.round(perSecond))}/s`];
    const percent = totalBytes === 0 ? 100 : (bytes / totalBytes) * 100;
    const amount = `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
    progress.update(percent, [...left, amount, ...speed]);
  };
}

export function mismatch(name: string): CliError {
  return new CliError(
    "checksum-mismatch",
    `${name}: the downloaded bytes do not match the manifest's SHA-256, and were deleted`,
    { exitCode: EXIT.failed, hint: "Try again; if it fails again, start a new export." },
  );
}
