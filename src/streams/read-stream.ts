import { concatBytes } from "../lib/bytes.ts";
import { CURSOR_START } from "../rpc/cursor.ts";
import { type DumpToRead, ReadingSession } from "../reading/reading-session.ts";
import type { Source } from "../databases/source.ts";

/** What a stream reads. */
export interface StreamReading extends DumpToRead {
  source: Source;
  /** How many bytes are read between two checks that the instant is intact. */
  chunkBytes: number;
  /** How many pages may be requested at a time. */
  pagesAhead: number;
}

/**
 * Reads the text of a plan's one artifact, one page at a time as it is requested. The end of the
 * text arrives only after a check that the instant stayed intact.
 *
 * Errors: those of `ReadingSession`.
 */
export async function* readStream({
  source,
  chunkBytes,
  pagesAhead,
  ...dump
}: StreamReading): AsyncGenerator<Uint8Array, void, undefined> {
  const session = await ReadingSession.open(source, dump);
  let checkpoint = 0;
  let bytes = 0;
  for await (const piece of session.read(CURSOR_START, { pagesMax: pagesAhead })) {
    const text = concatBytes(piece.bytes);
    piece.release();
    if (piece.ends) await session.requireIntact();
    yield text;
    bytes += text.byteLength;
    if (piece.ends || bytes < chunkBytes) continue;
    await session.requireIntact();
    bytes = 0;
    checkpoint += 1;
    // What has been read is never read again.
    await session.commit(piece.cursor, checkpoint);
  }
}
