import { createHash } from "node:crypto";
import type { Writable } from "node:stream";

import type { ManifestArtifact } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError, throwIfInterrupted } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes } from "./format.ts";
import { diskError } from "./partial-file.ts";
import { Rate } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { readBody, type Sink, transferArtifact } from "./transfer.ts";

export interface StreamOptions {
  client: ApiClient;
  terminal: Terminal;
  jobId: string;
  artifact: ManifestArtifact;
  stream: Writable;
  /** For messages: "standard output", or a path. */
  name: string;
}

/**
 * Sends an artifact's bytes into a stream as they come, a lost connection's rest included, and
 * compares their SHA-256 with the manifest's at the end: by then they have gone on, so the exit
 * code is the only judge. Errors: `checksum-mismatch`, and those of the transfer and the stream.
 */
export async function downloadStream(options: StreamOptions): Promise<void> {
  const { client, terminal, jobId, artifact } = options;
  const hash = createHash("sha256");
  const sink = streamSink(options, (chunk) => hash.update(chunk));
  const progress = terminal.startProgress("downloading");
  try {
    await transferArtifact({
      client,
      jobId,
      artifact,
      sink,
      onBytes: showBytes(progress, artifact.bytes),
      onRetry: (line) => terminal.note(line),
    });
  } finally {
    terminal.clearProgress();
  }
  if (hash.digest("hex") === artifact.sha256) return;
  throw new CliError(
    "checksum-mismatch",
    `${artifact.name}: what was written to ${options.name} does not have the SHA-256 of the manifest`,
    { exitCode: EXIT.failed, hint: "Throw it away and try again." },
  );
}

function streamSink(options: StreamOptions, onChunk: (chunk: Uint8Array) => void): Sink {
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    write: async (chunk) => {
      await writeTo(options.stream, chunk, options.name);
      onChunk(chunk);
      bytes += chunk.length;
    },
    restart: () =>
      Promise.reject(
        new CliError("download-changed", `${options.artifact.name} changed while it was read`, {
          exitCode: EXIT.failed,
        }),
      ),
  };
}

/** Resolves when the stream has taken the chunk: a slow reader slows the download. */
function writeTo(stream: Writable, chunk: Uint8Array, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error) reject(diskError(error, name, false));
      else resolve();
    });
  });
}

/** Sends the ZIP of all artifacts into a stream. It has no checksum, and cannot be gone on with. */
export async function streamArchive(options: Omit<StreamOptions, "artifact">): Promise<void> {
  const { client, terminal, jobId, stream, name } = options;
  const response = await client.openDownload(jobId, undefined, { signal: client.signal });
  const progress = terminal.startProgress("downloading");
  const rate = new Rate();
  let bytes = 0;
  try {
    for await (const chunk of readBody(response)) {
      await writeTo(stream, chunk, name);
      bytes += chunk.length;
      const perSecond = rate.add(bytes, Date.now());
      const speed = perSecond === undefined ? "" : `  ${formatBytes(Math.round(perSecond))}/s`;
      progress.update(null, `${formatBytes(bytes)}${speed}`);
    }
  } catch (error) {
    throwIfInterrupted(client.signal);
    throw error;
  } finally {
    terminal.clearProgress();
  }
}
