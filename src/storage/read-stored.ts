import type { ArtifactStore, ByteRange } from "./artifact-store.ts";

/** A script in a store: an object, or a part of one that starts at `offset`. */
export interface StoredPlace {
  key: string;
  /** Missing for a whole object. */
  offset?: number | undefined;
}

/** Returns a range of a script, as a store returns one of an object. Errors: those of the store. */
export function readStored(
  store: Pick<ArtifactStore, "read">,
  { key, offset = 0 }: StoredPlace,
  range: ByteRange,
): ReturnType<ArtifactStore["read"]> {
  return store.read(key, { offset: offset + range.offset, length: range.length });
}
