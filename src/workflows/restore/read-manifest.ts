import * as v from "valibot";

import { type Manifest, ManifestSchema } from "../../api/manifest.ts";
import { concatBytes, decodeUtf8 } from "../../lib/bytes.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";

/**
 * Returns the manifest stored at `key`; null if there is none, or if this version cannot read it. Errors: the
 * store's own.
 */
export async function readManifest(
  store: ArtifactStore,
  key: string | null,
): Promise<Manifest | null> {
  if (key === null) return null;
  const body = await store.read(key);
  if (body === undefined) return null;
  const pieces: Uint8Array[] = [];
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) pieces.push(piece);
  const parsed = v.safeParse(ManifestSchema, JSON.parse(decodeUtf8(concatBytes(pieces))));
  return parsed.success ? parsed.output : null;
}
