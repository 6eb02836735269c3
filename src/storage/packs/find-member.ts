import * as v from "valibot";

import { ExportError } from "../../api/errors.ts";
import { type PackIndex, PackIndexSchema, type PackMember } from "../../api/pack-index.ts";
import { compareUtf8 } from "../../lib/compare-utf8.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { ArtifactStore } from "../artifact-store.ts";

/** Returns the member that has a name or id; undefined if the pack has none. Searches, since the index is sorted. */
export function findMember({ members }: PackIndex, member: string): PackMember | undefined {
  let from = 0;
  let to = members.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const order = compareUtf8(members[middle]?.member ?? "", member);
    if (order === 0) return members[middle];
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return undefined;
}

/**
 * Reads the index of a pack. Errors: `artifact-missing` if it is gone, `artifact-corrupt` if it is not an index, and
 * those of the store.
 */
export async function readPackIndex(store: ArtifactStore, key: string): Promise<PackIndex> {
  const body = await store.read(key);
  if (body === undefined) {
    throw new ExportError("artifact-missing", `the index ${key} of a pack is gone`);
  }
  const parsed = v.safeParse(PackIndexSchema, parseJson(await new Response(body).text()));
  if (parsed.success) return parsed.output;
  throw new ExportError("artifact-corrupt", `${key} is not the index of a pack`);
}
