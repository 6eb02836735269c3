import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import type { Settings } from "../config/settings.ts";
import { findFileCompression } from "../api/compressions.ts";
import { PAGE_BYTES } from "../api/limits.ts";
import { patientSource } from "../databases/patient-source.ts";
import type { Source } from "../databases/source.ts";
import { beginDump } from "../reading/begin-dump.ts";
import { closeSnapshot } from "../reading/snapshot/close-snapshot.ts";
import { describeFile, type PlannedFile, planOneFile, type StreamPlan } from "./plan-stream.ts";
import { readStream } from "./read-stream.ts";
import { cutIntoBlocks } from "./cut-into-blocks.ts";
import { StreamLease } from "./stream-lease.ts";

/** A stream reads at most one page in one turn. Then nothing remains to be frozen or locked. */
const STREAM_TURN_BYTES = PAGE_BYTES;

/** A stream that has begun. */
export interface OpenStream {
  file: PlannedFile;
  /** The instant that is sent; undefined if rows are read as they are. */
  atMs: number | undefined;
  /** What the reader of the file must know, one sentence each. */
  warnings: string[];
  /**
   * Reads from the source only as it is read. It fails if it cannot continue, so that no part of a
   * file is mistaken for the whole. It ends only after the snapshot is closed and the lock is free.
   */
  body: ReadableStream<Uint8Array>;
}

/**
 * Begins what was planned. A small dump is read in one turn of its source. For a larger one, the database is locked
 * as for a job, and frozen. Both end when the stream ends, or when its client leaves or stalls. Errors:
 * `export-already-running`, and those of `beginDump`.
 */
export async function openStream(
  planned: StreamPlan,
  { env, config }: { env: ExportEnv; config: Settings },
): Promise<OpenStream> {
  const { request, source } = planned;
  const { consistency } = request;
  const { undoBytesMax, chunkBytes, pagesAhead } = config;
  const planDump = planOneFile(request);
  const streamId = crypto.randomUUID();
  const snapshotId = crypto.randomUUID();
  const patient = patientSource(source);
  /** Taken for everything except a dump that is read in one turn. */
  const taken: { lease?: StreamLease } = {};
  try {
    const begun = await beginDump(source, {
      snapshotId,
      jobId: streamId,
      consistency,
      planDump,
      planned: planned.dump,
      oneTurnBytes: STREAM_TURN_BYTES,
      removesLeftovers: false,
      undoBytesMax,
      isLeftover: (other) => getExportJobs(env).isSnapshotLeftover(other),
      beforeReading: async (method) => {
        if (method === "one-turn") return;
        const held = { streamId, snapshotId: method === "snapshot" ? snapshotId : null };
        taken.lease = await takeLease(env, planned, { ...held, source: patient });
      },
    });
    await taken.lease?.renew();
    const isWhole = begun.method === "one-turn";
    const texts = isWhole
      ? begun.pieces.map(({ bytes }) => bytes)
      : readStream({
          source: patient,
          chunkBytes,
          pagesAhead,
          catalogDigest: begun.catalogDigest,
          record: begun.method === "snapshot" ? begun.record : null,
          undoBytesMax,
          planDump,
          planned: begun,
        });
    const found = new Set(isWhole ? begun.pieces.flatMap(({ warnings }) => warnings) : []);
    return {
      file: describeFile(begun.plan, request),
      atMs: begun.method === "live" ? undefined : begun.atMs,
      warnings: [...begun.warnings, ...found],
      body: makeBody(cutIntoBlocks(texts, findFileCompression(request)), taken.lease),
    };
  } catch (error) {
    await taken.lease?.release();
    throw error;
  }
}

/** Locks the database for a stream; `snapshotId` is null if it reads rows as they are. */
function takeLease(
  env: ExportEnv,
  { request, databaseKey }: StreamPlan,
  stream: { streamId: string; snapshotId: string | null; source: Source },
): Promise<StreamLease> {
  const { streamId, snapshotId } = stream;
  const { source, name, id } = request;
  return StreamLease.take(
    env,
    {
      streamId,
      databaseKey,
      request: { source, ...(name && { name }), ...(id && { id }) },
      snapshotId,
    },
    async () => {
      if (snapshotId !== null) await closeSnapshot(stream.source, snapshotId);
    },
  );
}

/**
 * Nothing is read before it is requested, and nothing is kept except the page that is read ahead. If the client
 * stalls, that page is dropped too.
 */
function makeBody(
  blocks: AsyncGenerator<Uint8Array, void, undefined>,
  lease: StreamLease | undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          await lease?.renew();
          const next = await blocks.next();
          if (next.done !== true) {
            controller.enqueue(next.value);
            lease?.watch((expired) => {
              controller.error(expired);
              void blocks.return();
            });
            return;
          }
        } catch (error) {
          await lease?.release(error);
          throw error;
        }
        await lease?.release();
        controller.close();
      },
      cancel: async () => {
        await lease?.release();
        await blocks.return();
      },
    },
    { highWaterMark: 0 },
  );
}
