import type { DumpPlan } from "../dump/plan.ts";
import type { TableEncoderOf } from "../dump/table-encoder.ts";
import { concatBytes } from "../lib/bytes.ts";
import { CURSOR_START } from "../model/cursor.ts";
import type { Compression } from "../model/export-request.ts";
import { KIB } from "../model/limits.ts";
import { readDump } from "../source/dump-reader.ts";
import { readUnchangedCatalog } from "../source/read-catalog.ts";
import { committedPosition } from "../source/snapshot/committed-position.ts";
import type { SnapshotReader } from "../source/snapshot/snapshot-reader.ts";
import type { Source } from "../source/source.ts";
import { liveReader } from "../source/table-reader.ts";
import { Compressor } from "../storage/compressor.ts";

/** What the client is handed at once: it shows that it lives each time it has taken so much. */
const BLOCK_BYTES = 256 * KIB;

/** What a stream reads. */
export interface StreamReading {
  source: Source;
  /** Undefined where rows are read as they are. */
  snapshot: SnapshotReader | undefined;
  plan: DumpPlan;
  encoderOf: TableEncoderOf;
  catalogDigest: string;
  compression: Compression;
  /** What is read between two looks whether the instant is still whole. */
  chunkBytes: number;
}

/**
 * The bytes of a plan's one artifact, read a page at a time as they are asked for. The last of them come
 * only once the instant has been seen whole to the end.
 *
 * Errors: `schema-changed`, `snapshot-lost`, `undo-too-large`, and those of `readDump`.
 */
export async function* streamBlocks(
  reading: StreamReading,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { source, snapshot, plan, encoderOf, catalogDigest, chunkBytes } = reading;
  const compressor = new Compressor(reading.compression);
  let finished: ReadonlySet<string> = new Set();
  let checkpoint = 0;
  let sinceCheck = 0;
  let bytes = 0;
  const requireWhole = async (): Promise<void> => {
    await readUnchangedCatalog(source, catalogDigest);
    await snapshot?.requireIntact(finished);
  };
  const reader = snapshot ?? liveReader(source);
  for await (const piece of readDump({ reader, plan, encoderOf, cursor: CURSOR_START })) {
    // A page's bytes may stand where the next page will: they are copied before it is asked for.
    const text = concatBytes(piece.bytes);
    if (piece.ends) await requireWhole();
    bytes += text.byteLength;
    sinceCheck += text.byteLength;
    for (const ready of await compressor.push(text)) yield* cut(ready);
    if (piece.ends || sinceCheck < chunkBytes) continue;
    await requireWhole();
    checkpoint += 1;
    sinceCheck = 0;
    // What has been read is never read again: its rows need not be kept any more.
    const position = committedPosition(plan, piece.cursor, checkpoint);
    await snapshot?.advance(position);
    ({ finished } = position);
  }
  for (const ready of await (bytes === 0 ? compressor.emptyFile() : compressor.flush())) {
    yield* cut(ready);
  }
}

/** The blocks of a text that is known already. */
export async function* blocksOf(
  text: Uint8Array,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const compressor = new Compressor(compression);
  for (const ready of await compressor.push(text)) yield* cut(ready);
  const last = text.byteLength === 0 ? compressor.emptyFile() : compressor.flush();
  for (const ready of await last) yield* cut(ready);
}

function* cut(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) {
    yield bytes.subarray(at, at + BLOCK_BYTES);
  }
}
