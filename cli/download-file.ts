import { rm, stat } from "node:fs/promises";

import type { ManifestArtifact } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes, formatSeconds } from "./format.ts";
import { findFileKind, hashFile, PartialFile, partialPathOf } from "./partial-file.ts";
import { type Progress, Rate } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { transferArtifact } from "./transfer.ts";

export interface DownloadOptions {
  client: ApiClient;
  terminal: Terminal;
  jobId: string;
  artifact: ManifestArtifact;
  /** The file's own name; bytes are gathered beside it, at `partialPathOf(path)`. */
  path: string;
}

/**
 * Downloads an artifact into `path`: what an earlier try left is gone on with, the SHA-256 of what
 * the disk has is compared with the manifest's, and only then the file gets its name, in place of
 * what had it. A file that has the right bytes already is left alone. Errors: `checksum-mismatch`,
 * `disk-full`, and those of the transfer; the partial file stays, but for a mismatch.
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  if (await isAlreadyThere(options)) return;
  const file = await PartialFile.open(options.path);
  try {
    const resumedBytes = file.bytes;
    await fill(options, file);
    if ((await hashPartial(options)) !== options.artifact.sha256) {
      await file.restart();
      // The beginning was another run's, and may be of another file or hurt: one try from the start.
      if (resumedBytes === 0) throw mismatch(options.artifact.name);
      await fill(options, file);
      if ((await hashPartial(options)) !== options.artifact.sha256) {
        await file.restart();
        throw mismatch(options.artifact.name);
      }
    }
    await file.publish();
  } catch (error) {
    await file.close();
    if (file.bytes === 0) await rm(partialPathOf(options.path), { force: true });
    throw error;
  } finally {
    options.terminal.clearProgress();
  }
}

async function isAlreadyThere({ client, artifact, path }: DownloadOptions): Promise<boolean> {
  if ((await findFileKind(path)) !== "file") return false;
  if ((await stat(path)).size !== artifact.bytes) return false;
  return (await hashFile(path, { signal: client.signal })) === artifact.sha256;
}

async function fill(options: DownloadOptions, file: PartialFile): Promise<void> {
  const { client, terminal, jobId, artifact } = options;
  if (file.bytes > 0 && file.bytes < artifact.bytes) {
    const { bytes } = artifact;
    terminal.note(`going on at ${formatBytes(file.bytes)} of ${formatBytes(bytes)}`);
  }
  await file.reserve(Math.max(artifact.bytes - file.bytes, 0));
  const progress = terminal.startProgress("downloading");
  await transferArtifact({
    client,
    jobId,
    artifact,
    sink: file,
    onBytes: showBytes(progress, artifact.bytes),
    onRetry: (line) => terminal.note(line),
  });
}

function hashPartial({ client, terminal, artifact, path }: DownloadOptions): Promise<string> {
  const progress = terminal.startProgress("verifying");
  return hashFile(partialPathOf(path), {
    signal: client.signal,
    onBytes: showBytes(progress, artifact.bytes),
  });
}

/** Shows bytes of a known total, with rate and time left. */
export function showBytes(progress: Progress, totalBytes: number): (bytes: number) => void {
  const rate = new Rate();
  return (bytes) => {
    const perSecond = rate.add(bytes, Date.now());
    const left =
      perSecond === undefined || perSecond <= 0
        ? ""
        : `  ${formatBytes(Math.round(perSecond))}/s  ${formatSeconds((totalBytes - bytes) / perSecond)} left`;
    const percent = totalBytes === 0 ? 100 : (bytes / totalBytes) * 100;
    progress.update(percent, `${formatBytes(bytes)} of ${formatBytes(totalBytes)}${left}`);
  };
}

export function mismatch(name: string): CliError {
  return new CliError(
    "checksum-mismatch",
    `${name}: what arrived does not have the SHA-256 of the manifest, and was thrown away`,
    { exitCode: EXIT.failed, hint: "Try again; if it stays so, start a new export." },
  );
}
