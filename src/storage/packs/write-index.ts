import type { PackIndex } from "../../api/pack-index.ts";
import { VERSION } from "../../api/version.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import type { WrittenPack } from "./pack-writer.ts";

/**
 * Stores the index of a finished pack under `key`, and returns it. Repeating it changes nothing. Errors: those of the
 * store.
 */
export async function writePackIndex(
  store: ArtifactStore,
  key: string,
  { bytes, sha256, members }: WrittenPack,
  fleet: Pick<PackIndex, "fleetId" | "source" | "namedBy" | "contentType">,
): Promise<PackIndex> {
  const index: PackIndex = {
    version: 1,
    generator: `durable-export ${VERSION}`,
    ...fleet,
    bytes,
    sha256,
    members,
  };
  await store.put(key, encodeUtf8(`${JSON.stringify(index)}\n`), {
    contentType: "application/json",
  });
  return index;
}
