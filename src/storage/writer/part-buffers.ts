/** The most buffers kept for later use: as many as one run uses at a time. */
const KEPT_MAX = 3;

/**
 * Part buffers for reuse. If every part allocated its 8 MiB, the garbage collector would decide
 * when the memory is free again, and it acts late for memory outside its own heap.
 */
const kept: Uint8Array[] = [];

/** Returns a buffer of `partBytes`, which still contains its previous content. */
export function takePartBuffer(partBytes: number): Uint8Array {
  const at = kept.findIndex((buffer) => buffer.byteLength === partBytes);
  const [buffer] = at < 0 ? [] : kept.splice(at, 1);
  return buffer ?? new Uint8Array(partBytes);
}

/**
 * Takes back a buffer of `takePartBuffer` that nobody reads anymore. If too many are kept, it drops
 * the oldest.
 */
export function returnPartBuffer(buffer: Uint8Array): void {
  if (kept.length >= KEPT_MAX) kept.shift();
  kept.push(buffer);
}
