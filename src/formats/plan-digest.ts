import { encodeUtf8, toHex } from "../lib/bytes.ts";
import type { DumpPlan } from "./plan.ts";

/**
 * Increase this whenever an encoder, a page's SQL or a compressor writes different bytes for the
 * same rows. A job whose checkpoint has another version starts over, because its file would
 * otherwise mix both.
 */
export const ENCODING_VERSION = 1;

/**
 * SHA-256 of what a plan writes and in which order, of the masks, of the encoding's version, and of the snapshot
 * that is read. A cursor counts segments, so it is valid only in a plan with this digest.
 */
export async function digestPlan(
  { artifacts, mask }: Pick<DumpPlan, "artifacts" | "mask">,
  snapshotId: string,
): Promise<string> {
  const text = JSON.stringify({ encoding: ENCODING_VERSION, snapshotId, artifacts, mask });
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text))));
}
