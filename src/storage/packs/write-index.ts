import { createHash } from "node:crypto";

import type { PackIndex } from "../../api/pack-index.ts";
import { VERSION } from "../../api/version.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import type { WrittenPack } from "./pack-writer.ts";

/**
 * Stores the index of a finished pack under `key`, and returns its size and hash. Repeating it changes nothing. Errors: those of the
 * store.
 */
export async function writePackIndex(
  store: ArtifactStore,
  key: string,
  { bytes, sha256, members }: WrittenPack,
  fleet: Pick<PackIndex, "fleetId" | "source" | "namedBy" | "contentType">,
): Promise<{ bytes: number; sha256: string }> {
  const index: PackIndex = {
    version: 1,
    generator: `durable-export ${VERSION}`,
    ...fleet,
    bytes,
    sha256,
    members,
  };
  const body = encodeUtf8(`${JSON.stringify(index)}\n`);
  await store.put(key, body, { contentType: "application/json" });
  return {
    bytes: body.byteLength,
    sha256: createHash("sha256").update(body).digest("hex"),
  };
}
