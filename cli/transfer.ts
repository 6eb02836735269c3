import type { ApiClient } from "./api-client.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatSeconds } from "./format.ts";
import { describeNetworkError } from "./network-error.ts";
import { backoffMs, wait } from "./retry.ts";

/** A connection that brings nothing for so long is given up and opened again. */
const STALL_MS = 60_000;

/** Where bytes go. */
export interface Sink {
  /** What it has already: the transfer goes on behind it. */
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Forgets every byte. Throws where it cannot, because they have gone on. */
  restart(): Promise<void>;
}

export interface Transfer {
  client: ApiClient;
  jobId: string;
  artifact: { name: string; bytes: number; sha256: string };
  sink: Sink;
  onBytes: (bytes: number) => void;
  onRetry: (line: string) => void;
}

/**
 * Brings all bytes of an artifact into `sink`, by `Range` behind what it has. A lost or stalled
 * connection is opened again, and tries are counted anew once bytes have come. `If-Range` makes
 * sure that the rest belongs to the beginning: the entity tag is the artifact's SHA-256, and where
 * the file is another one the whole comes, from the start.
 */
export async function transferArtifact(transfer: Transfer): Promise<void> {
  const { client, artifact, sink } = transfer;
  let failures = 0;
  if (sink.bytes > artifact.bytes) await sink.restart();
  while (sink.bytes < artifact.bytes) {
    const before = sink.bytes;
    try {
      await readOnce(transfer);
      if (sink.bytes < artifact.bytes) throw lost("the connection ended early");
    } catch (error) {
      if (client.signal.aborted) throw new Interrupted();
      if (!(error instanceof CliError) || !error.is("connection-lost")) throw error;
      failures = sink.bytes > before ? 1 : failures + 1;
      if (failures > client.retry.retries) throw error;
      const waitMs = backoffMs(client.retry, failures - 1);
      transfer.onRetry(
        `${artifact.name}: ${error.message}: going on in ${formatSeconds(Math.ceil(waitMs / 1000))}`,
      );
      await wait(waitMs, client.signal);
    }
  }
}

async function readOnce({ client, jobId, artifact, sink, onBytes }: Transfer): Promise<void> {
  const connection = new AbortController();
  const signal = AbortSignal.any([client.signal, connection.signal]);
  const response = await openAt(client, jobId, artifact, sink.bytes, signal);
  const stall = setTimeout(() => connection.abort(), STALL_MS);
  try {
    if (response.status !== 206 && sink.bytes > 0) await sink.restart();
    for await (const chunk of readBody(response)) {
      stall.refresh();
      if (sink.bytes + chunk.length > artifact.bytes) throw tooLong(artifact);
      await sink.write(chunk);
      stall.refresh();
      onBytes(sink.bytes);
    }
  } catch (error) {
    throw connection.signal.aborted ? lost(`nothing came for ${STALL_MS / 1000} s`) : error;
  } finally {
    clearTimeout(stall);
    connection.abort();
  }
}

async function openAt(
  client: ApiClient,
  jobId: string,
  artifact: Transfer["artifact"],
  offset: number,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> =
    offset === 0 ? {} : { range: `bytes=${offset}-`, "if-range": `"${artifact.sha256}"` };
  const response = await client.openDownload(jobId, artifact.name, { headers, signal });
  if (response.status === 206) {
    const range = response.headers.get("content-range") ?? "";
    if (!range.startsWith(`bytes ${offset}-`) || !range.endsWith(`/${artifact.bytes}`)) {
      throw new CliError(
        "download-wrong",
        `${artifact.name}: asked for bytes from ${offset}, and got ${range || "no Content-Range"}`,
        { exitCode: EXIT.failed },
      );
    }
  }
  return response;
}

/** The chunks of a body; what the network does to them is `connection-lost`. */
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
    // What is left of the body is not wanted.
    reader.cancel().catch(() => undefined);
  }
}

function lost(words: string, cause?: unknown): CliError {
  return new CliError("connection-lost", `the download broke off: ${words}`, {
    exitCode: EXIT.refused,
    hint: "Run the same command again: it goes on where it stopped.",
    cause,
  });
}

function tooLong(artifact: Transfer["artifact"]): CliError {
  return new CliError(
    "download-wrong",
    `${artifact.name} brings more than its ${artifact.bytes} bytes`,
    {
      exitCode: EXIT.failed,
    },
  );
}
