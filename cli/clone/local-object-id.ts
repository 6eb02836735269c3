import { createHash, createHmac } from "node:crypto";

/** Bytes of each half of an id: a hash of the name, and a code that proves the namespace. */
const HALF_BYTES = 16;

/**
 * Returns the id, in hex, that the local runtime derives from the name of an object: `idFromName(name).toString()`. The
 * file of the object has that name. `uniqueKey` is the name of the namespace. Miniflare keeps each D1 database in such
 * an object too, whose name is the database's id. Observed with workerd 1.20261102, November 2026.
 */
export function localIdFromName(uniqueKey: string, name: string): string {
  const half = hmac(keyOf(uniqueKey), Buffer.from(name));
  return withProof(uniqueKey, half);
}

/** True if the local runtime accepts an id for a namespace. An id of a deployed Worker belongs to another namespace. */
export function isLocalId(uniqueKey: string, id: string): boolean {
  const half = Buffer.from(id, "hex").subarray(0, HALF_BYTES);
  return withProof(uniqueKey, half) === id.toLowerCase();
}

function withProof(uniqueKey: string, half: Buffer): string {
  return Buffer.concat([half, hmac(keyOf(uniqueKey), half)]).toString("hex");
}

function keyOf(uniqueKey: string): Buffer {
  return createHash("sha256").update(uniqueKey).digest();
}

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac("sha256", key).update(data).digest().subarray(0, HALF_BYTES);
}
