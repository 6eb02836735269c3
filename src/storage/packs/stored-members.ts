import * as v from "valibot";

import { ExportError } from "../../api/errors.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { ArtifactStore } from "../artifact-store.ts";

const StoredMembersSchema = v.strictObject({
  namedBy: v.picklist(["name", "id"]),
  members: v.array(v.string()),
});

/** All members of a fleet, sorted by the UTF-8 bytes of their names or ids. */
export type StoredMembers = v.InferOutput<typeof StoredMembersSchema>;

/** Stores the list of a fleet's members. Errors: those of the store. */
export async function writeMembers(
  store: ArtifactStore,
  key: string,
  { namedBy, members }: StoredMembers,
): Promise<void> {
  const bytes = encodeUtf8(`${JSON.stringify({ namedBy, members })}\n`);
  await store.put(key, bytes, { contentType: "application/json" });
}

/**
 * Reads the list of a fleet's members. Errors: `artifact-missing` if it is gone, `artifact-corrupt` if it is not such a
 * list, and those of the store.
 */
export async function readStoredMembers(store: ArtifactStore, key: string): Promise<StoredMembers> {
  const body = await store.read(key);
  if (body === undefined) {
    throw new ExportError("artifact-missing", `the list ${key} of a fleet's members is gone`);
  }
  const parsed = v.safeParse(StoredMembersSchema, parseJson(await new Response(body).text()));
  if (parsed.success) return parsed.output;
  throw new ExportError("artifact-corrupt", `${key} is not the list of a fleet's members`);
}
