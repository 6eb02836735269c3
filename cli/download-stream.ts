import type { Writable } from "node:stream";

import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { showBytes } from "./download-file.ts";
import { EXIT } from "./exit-codes.ts";
import { diskError } from "./partial-file.ts";
import type { Proof } from "./proof.ts";
import type { Terminal } from "./terminal.ts";
import { type RemoteFile, type Sink, transferFile } from "./transfer.ts";

export interface StreamOptions {
  client: ApiClient;
  terminal: Terminal;
  jobId: string;
  file: RemoteFile;
  proof: Proof;
  stream: Writable;
  /** For messages: "standard output", or a path. */
  name: string;
}

/**
 * Sends a file's bytes into a stream as they arrive, including the rest after a lost connection,
 * and compares them with the manifest at the end. By then the bytes have been passed on, so only
 * the exit code reports a mismatch. Returns their SHA-256. Errors: `checksum-mismatch`, and those
 * of the transfer and the stream.
 */
export async function downloadStream(options: StreamOptions): Promise<string> {
  const { client, terminal, jobId, file, proof } = options;
  const sink = streamSink(options);
  const progress = terminal.startProgress("downloading");
  try {
    await transferFile({
      client,
      jobId,
      file,
      sink,
      onBytes: showBytes(progress, file.bytes),
      onRetry: (line) => terminal.note(line),
    });
  } finally {
    terminal.clearProgress();
  }
  const { isProved, sha256 } = proof.end();
  if (isProved) return sha256;
  throw new CliError(
    "checksum-mismatch",
    `${file.name}: the bytes written to ${options.name} do not match the manifest's SHA-256`,
    { exitCode: EXIT.failed, hint: "Discard them and try again." },
  );
}

function streamSink(options: StreamOptions): Sink {
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    write: async (chunk) => {
      await writeTo(options.stream, chunk, options.name);
      options.proof.update(chunk);
      bytes += chunk.length;
    },
    restart: () =>
      Promise.reject(
        new CliError("download-changed", `${options.file.name} changed while it was read`, {
          exitCode: EXIT.failed,
        }),
      ),
  };
}

/** Resolves when the stream has accepted the chunk: a slow reader slows down the download. */
function writeTo(stream: Writable, chunk: Uint8Array, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error) reject(diskError(error, name, false));
      else resolve();
    });
  });
}
