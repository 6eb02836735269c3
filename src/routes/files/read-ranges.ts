import { ExportError } from "../../api/errors.ts";
import { MIB } from "../../api/limits.ts";
import type { ArtifactStore, ByteRange } from "../../storage/artifact-store.ts";

/**
 * How much one request reads from a store. It is small at first, because clients that stall usually
 * do so at the start. R2 bills 128 of the largest per GiB, as Class B operations: far below a cent.
 */
const RANGE_BYTES_MIN = MIB;
const RANGE_BYTES_MAX = 8 * MIB;

/**
 * Reads an object, or a range of it, as streams of a few MiB, one after the other. Request the next
 * stream only after the previous one is read. Otherwise a store that sends faster than its reader
 * takes would hold the whole object in memory, as the local R2 does. Errors: `artifact-missing`.
 */
export async function* readRanges(
  store: ArtifactStore,
  object: { key: string; name: string },
  { offset, length }: ByteRange,
): AsyncGenerator<ReadableStream<Uint8Array>, void, undefined> {
  let rangeBytes = RANGE_BYTES_MIN;
  let at = offset;
  const end = offset + length;
  // An empty object is read too, to check that it exists.
  do {
    const range = { offset: at, length: Math.min(rangeBytes, end - at) };
    const body = await store.read(object.key, range.length === 0 ? undefined : range);
    if (body === undefined) {
      throw new ExportError("artifact-missing", `${object.name} is no longer in the store`);
    }
    yield body;
    at += range.length;
    rangeBytes = Math.min(rangeBytes * 2, RANGE_BYTES_MAX);
  } while (at < end);
}
