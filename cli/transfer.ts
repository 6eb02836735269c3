import type { ManifestArtifact } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatSeconds } from "./format.ts";
import { describeNetworkError } from "./network-error.ts";
import { backoffMs, wait } from "./retry.ts";

/** A connection that delivers nothing for this long is closed and reopened. */
const STALL_MS = 60_000;

/** The receiver of a file's bytes. */
export interface Sink {
  /** How many bytes it already has: the transfer resumes after them. */
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Discards every byte. Throws if that is impossible, because the bytes were passed on. */
  restart(): Promise<void>;
}

/** One file of a job's download. */
export interface RemoteFile {
  /** Undefined: a ZIP of all the job's artifacts. */
  artifact: string | undefined;
  /** The path of the route that sends it; missing if `artifact` of the job is downloaded. */
  path?: string;
  /** Its name in messages. */
  name: string;
  bytes: number;
  /** The entity tag, with its quotes: files with the same tag have the same bytes. */
  etag: string;
}

/** An artifact's entity tag is its SHA-256. */
export function remoteFileOf({ name, bytes, sha256 }: ManifestArtifact): RemoteFile {
  return { artifact: name, name, bytes, etag: `"${sha256}"` };
}

export interface Transfer {
  client: ApiClient;
  jobId: string;
  file: RemoteFile;
  sink: Sink;
  onBytes: (bytes: number) => void;
  onRetry: (line: string) => void;
}

/**
 * Transfers all bytes of a file into `sink`; a `Range` skips the bytes that it already has. A lost
 * or stalled connection is reopened, and the attempts are counted anew after bytes arrive.
 * `If-Range` makes sure that the rest belongs to the beginning: if the file has changed, all of it
 * is sent, from the start.
 */
export async function transferFile(transfer: Transfer): Promise<void> {
  const { client, file, sink } = transfer;
  let failures = 0;
  if (sink.bytes > file.bytes) await sink.restart();
  while (sink.bytes < file.bytes) {
    const before = sink.bytes;
    try {
      await readOnce(transfer);
      if (sink.bytes < file.bytes) throw lost("the connection ended early");
    } catch (error) {
      if (client.signal.aborted) throw new Interrupted();
      if (!(error instanceof CliError) || !error.is("connection-lost")) throw error;
      failures = sink.bytes > before ? 1 : failures + 1;
      if (failures > client.retry.retries) throw error;
      const waitMs = backoffMs(client.retry, failures - 1);
      transfer.onRetry(
        `${file.name}: ${error.message}: resuming in ${formatSeconds(Math.ceil(waitMs / 1000))}`,
      );
      await wait(waitMs, client.signal);
    }
  }
}

async function readOnce({ client, jobId, file, sink, onBytes }: Transfer): Promise<void> {
  const connection = new AbortController();
  const signal = AbortSignal.any([client.signal, connection.signal]);
  const response = await openAt(client, jobId, file, sink.bytes, signal);
  const stall = setTimeout(() => connection.abort(), STALL_MS);
  try {
    if (response.status !== 206 && sink.bytes > 0) await sink.restart();
    for await (const chunk of readBody(response)) {
      stall.refresh();
      if (sink.bytes + chunk.length > file.bytes) throw tooLong(file);
      await sink.write(chunk);
      stall.refresh();
      onBytes(sink.bytes);
    }
  } catch (error) {
    throw connection.signal.aborted ? lost(`nothing arrived for ${STALL_MS / 1000} s`) : error;
  } finally {
    clearTimeout(stall);
    connection.abort();
  }
}

async function openAt(
  client: ApiClient,
  jobId: string,
  file: RemoteFile,
  offset: number,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> =
    offset === 0 ? {} : { range: `bytes=${offset}-`, "if-range": file.etag };
  const response =
    file.path === undefined
      ? await client.openDownload(jobId, file.artifact, { headers, signal })
      : await client.openFile(file.path, { headers, signal });
  if (response.status === 206) {
    const range = response.headers.get("content-range") ?? "";
    if (!range.startsWith(`bytes ${offset}-`) || !range.endsWith(`/${file.bytes}`)) {
      throw new CliError(
        "download-wrong",
        `${file.name}: requested bytes from ${offset}, but got ${range || "no Content-Range"}`,
        { exitCode: EXIT.failed },
      );
    }
  }
  return response;
}

/** Yields the chunks of a body; network errors become `connection-lost`. */
export async function* readBody(response: Response): AsyncGenerator<Uint8Array> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      let step: ReadableStreamReadResult<Uint8Array>;
      try {
        step = await reader.read();
      } catch (error) {
        throw lost(describeNetworkError(error).words, error);
      }
      if (step.done) return;
      yield step.value;
    }
  } finally {
    // The rest of the body is not needed.
    reader.cancel().catch(() => undefined);
  }
}

function lost(words: string, cause?: unknown): CliError {
  return new CliError("connection-lost", `the download broke off: ${words}`, {
    exitCode: EXIT.refused,
    hint: "Run the same command again: it resumes where it stopped.",
    cause,
  });
}

function tooLong(file: RemoteFile): CliError {
  return new CliError("download-wrong", `${file.name} contains more than its ${file.bytes} bytes`, {
    exitCode: EXIT.failed,
  });
}
