import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import type { Settings } from "../config/settings.ts";
import { PAGE_BYTES } from "../api/limits.ts";
import { patientSource } from "../databases/patient-source.ts";
import { digestOf } from "../reading/read-catalog.ts";
import { readInOneTurn } from "../reading/read-in-one-turn.ts";
import { readSourceWarnings } from "../reading/source-warnings.ts";
import { closeSnapshot } from "../reading/snapshot/close-snapshot.ts";
import { openSnapshot } from "../reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../reading/snapshot/snapshot-reader.ts";
import { type PlannedFile, planFile, type StreamPlan } from "./plan-stream.ts";
import { readStream } from "./read-stream.ts";
import { streamBlocks } from "./stream-blocks.ts";
import { StreamLease } from "./stream-lease.ts";

/** A stream reads no more than a page in one turn: nothing is left to freeze then, and nothing to lock. */
const STREAM_TURN_BYTES = PAGE_BYTES;

/** A stream that has begun. */
export interface OpenStream {
  file: PlannedFile;
  /** The instant that is sent; undefined where rows are read as they are. */
  atMs: number | undefined;
  /** What the reader of the file has to know, a sentence each. */
  warnings: string[];
  /**
   * Reads as it is read. It fails where it cannot go on, so that no part of a file is taken for the whole,
   * and ends only once the snapshot is closed and the lock is free.
   */
  body: ReadableStream<Uint8Array>;
}

/**
 * Begins what was planned. A small dump is read in one turn of its source. For a larger one the
 * database is locked as by a job, and frozen, until the stream ends, or its client leaves or stalls.
 *
 * Errors: `export-already-running`, and those of opening a snapshot.
 */
export async function openStream(
  planned: StreamPlan,
  { env, config }: { env: ExportEnv; config: Settings },
): Promise<OpenStream> {
  const { source, request, file, catalogDigest } = planned;
  const { compression } = request;
  const isFrozen = request.consistency === "snapshot";
  const warnings = await readSourceWarnings(source, file.plan, { isFrozen });
  const bytesMax = STREAM_TURN_BYTES;
  const whole = await readInOneTurn(source, { ...file, catalogDigest, bytesMax });
  if (whole !== undefined) {
    const { atMs, pieces } = whole;
    const texts = pieces.map(({ bytes }) => bytes);
    const found = new Set(pieces.flatMap((piece) => piece.warnings));
    const body = bodyOf(streamBlocks(texts, compression), undefined);
    return { file, atMs, warnings: [...file.plan.warnings, ...warnings, ...found], body };
  }
  const streamId = crypto.randomUUID();
  const snapshotId = request.consistency === "snapshot" ? crypto.randomUUID() : null;
  const patient = patientSource(source);
  const { name, id } = request;
  const lease = await StreamLease.take(
    env,
    {
      streamId,
      databaseKey: planned.databaseKey,
      request: { source: request.source, ...(name && { name }), ...(id && { id }) },
      snapshotId,
    },
    async () => {
      if (snapshotId !== null) await closeSnapshot(patient, snapshotId);
    },
  );
  const reading = { source: patient, chunkBytes: config.chunkBytes };
  try {
    if (snapshotId === null) {
      const texts = readStream({ ...reading, ...file, catalogDigest, snapshot: undefined });
      const body = bodyOf(streamBlocks(texts, compression), lease);
      return { file, atMs: undefined, warnings: [...file.plan.warnings, ...warnings], body };
    }
    const opened = await openSnapshot(source, {
      snapshotId,
      jobId: streamId,
      undoBytesMax: config.undoBytesMax,
      planOf: (catalog) => planFile(request, catalog).plan,
      isLeftover: (other) => getExportJobs(env).isSnapshotLeftover(other),
    });
    await lease.renew();
    const frozen = planFile(request, opened.catalog);
    const texts = readStream({
      ...reading,
      ...frozen,
      catalogDigest: await digestOf(opened.catalog),
      snapshot: new SnapshotReader(patient, opened.record, config),
    });
    return {
      file: frozen,
      atMs: opened.atMs,
      warnings: [...opened.warnings, ...frozen.plan.warnings, ...warnings],
      body: bodyOf(streamBlocks(texts, compression), lease),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/**
 * Nothing is read before it is asked for, and nothing is kept but the page that is read ahead; that, too, is
 * given up where the client stalls.
 */
function bodyOf(
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
