import { createHash } from "node:crypto";

import type { LedgerPiece } from "../../rpc/artifact-record.ts";
import type { ScriptRecord } from "../../rpc/load-plan.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";

/**
 * Reads a stored dump and returns the index of the first piece whose bytes are not those that the ledger recorded;
 * undefined if all are. A file that is gone or has another length differs from its first missing byte on. Errors: the
 * store's own, those of `beat`.
 */
export async function findChangedPiece(
  store: ArtifactStore,
  { key, pieces }: { key: ScriptRecord["key"]; pieces: readonly LedgerPiece[] },
  beat: () => Promise<void>,
): Promise<number | undefined> {
  let offset = 0;
  const stored = (await store.find(key))?.bytes ?? 0;
  for (const [at, { bytes, sha256 }] of pieces.entries()) {
    if (offset + bytes > stored) return at;
    if (bytes > 0 && (await hashRange(store, key, { offset, length: bytes })) !== sha256) return at;
    offset += bytes;
    await beat();
  }
  return stored > offset ? pieces.length - 1 : undefined;
}

async function hashRange(
  store: ArtifactStore,
  key: string,
  range: { offset: number; length: number },
): Promise<string | undefined> {
  const body = await store.read(key, range);
  if (body === undefined) return undefined;
  const hash = createHash("sha256");
  for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) hash.update(bytes);
  return hash.digest("hex");
}
