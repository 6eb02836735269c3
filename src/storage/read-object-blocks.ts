import { ExportError } from "../api/errors.ts";
import { MIB } from "../api/limits.ts";
import { readBlocks } from "../lib/read-blocks.ts";
import type { ArtifactStore } from "./artifact-store.ts";

/** How much one request reads. R2 bills 128 of them per GiB, as Class B operations: far below a cent. */
const RANGE_BYTES = 8 * MIB;

/**
 * Reads an object of `bytes` in blocks of at most 1 MiB, range by range. The next range is requested while one is
 * read, so that a far store is waited for once. If one request read all of it, a store that sends faster than it is
 * read would hold it in memory: 1.4 GB at the peak of an 880 MB export with the local R2 (November 2026). All blocks
 * share their memory, so a block is valid only until the next. Errors: `artifact-corrupt` if the object is gone.
 */
export async function* readObjectBlocks(
  store: Pick<ArtifactStore, "read">,
  { key, name, bytes }: { key: string; name: string; bytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const request = (offset: number): ReturnType<ArtifactStore["read"]> | undefined => {
    if (offset >= bytes) return undefined;
    const body = store.read(key, { offset, length: Math.min(RANGE_BYTES, bytes - offset) });
    // It throws when it is awaited, if its range is still needed.
    body.catch(() => {});
    return body;
  };
  let next = request(0);
  try {
    for (let offset = 0; next !== undefined; offset += RANGE_BYTES) {
      const body = await next;
      next = undefined;
      if (body === undefined) {
        throw new ExportError("artifact-corrupt", `${name} is no longer in the store`);
      }
      next = request(offset + RANGE_BYTES);
      yield* readBlocks(body, MIB);
    }
  } finally {
    next?.then((body) => body?.cancel()).catch(() => {});
  }
}
