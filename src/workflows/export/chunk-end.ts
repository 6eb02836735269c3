/**
 * How long a chunk is worked on before it ends, in milliseconds: far below the 10 minutes of its
 * step, even if the database and the store are slow.
 */
export const CHUNK_MS_MAX = 60_000;

/**
 * How many artifacts a chunk may end. Each small one costs a call to the database, to the store and
 * to the jobs object, and a row in the chunk's commit.
 */
export const CHUNK_ARTIFACTS_MAX = 250;

/**
 * True if a chunk must end although it is short. A chunk that has read at least one page may always
 * end.
 */
export function isChunkOver(chunk: { startedAtMs: number; artifacts: number }): boolean {
  const { startedAtMs, artifacts } = chunk;
  return artifacts >= CHUNK_ARTIFACTS_MAX || Date.now() - startedAtMs >= CHUNK_MS_MAX;
}
