import { encodeUtf8 } from "../../lib/bytes.ts";
import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { readSigningKey, signManifest } from "../../sealing/signature.ts";
import type { RunContext } from "../engine/run-context.ts";

/** Returns the bytes of the manifest that a job has in the store; undefined if it has none. */
export async function findStoredManifest(
  { store }: RunContext,
  files: { folder: string },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const stored = await store.read(toManifestKey(files));
  return stored && new Uint8Array(await new Response(stored).arrayBuffer());
}

/**
 * Writes a manifest into a job's folder, or keeps the one that is `stored`, and first writes its signature if the
 * deployment has a key. Repeating it is harmless. Errors: `run-superseded`, `configuration-invalid`, those of the store.
 */
export async function storeManifest(
  { store, config, jobs, runId }: RunContext,
  files: { folder: string },
  { manifest, stored }: { manifest: object; stored?: Uint8Array<ArrayBuffer> | undefined },
): Promise<void> {
  const isSigned = config.signingKey !== undefined;
  const whole = { ...manifest, ...(isSigned && { signed: true }) };
  const body = stored ?? encodeUtf8(`${JSON.stringify(whole, null, 2)}\n`);
  if (config.signingKey !== undefined) {
    const key = await readSigningKey(config.signingKey);
    unwrap(await jobs.beginSigning(runId));
    const signature = await signManifest(key, body);
    await store.put(toSignatureKey(files), signature, { contentType: "application/octet-stream" });
  }
  if (stored === undefined) {
    await store.put(toManifestKey(files), body, { contentType: "application/json" });
  }
}
