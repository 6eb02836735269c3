/** Most buffers kept for later use: those that one run has in its hands at a time. */
const KEPT_MAX = 3;

/**
 * Part buffers that are used again. A part allocated anew for every 8 MiB leaves it to the garbage
 * collector when memory is given back, and outside its own heap that is late.
 */
const kept: Uint8Array[] = [];

/** A buffer of `partBytes`, with whatever its last user left in it. */
export function takePartBuffer(partBytes: number): Uint8Array {
  const at = kept.findIndex((buffer) => buffer.byteLength === partBytes);
  const [buffer] = at < 0 ? [] : kept.splice(at, 1);
  return buffer ?? new Uint8Array(partBytes);
}

/** Gives back a buffer of `takePartBuffer` that nothing reads any more. One too many is dropped. */
export function returnPartBuffer(buffer: Uint8Array): void {
  if (kept.length >= KEPT_MAX) kept.shift();
  kept.push(buffer);
}
