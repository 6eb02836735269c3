import { ExportError } from "../../api/errors.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import type { ArtifactStore } from "../artifact-store.ts";

/**
 * Writes, finds, reads and removes a small object at a destination, and begins and aborts an upload
 * in parts: missing permissions appear before a copy needs them. `id` makes the key unique. Errors:
 * those of the store, and `destination-refused` if it returns other bytes.
 */
export async function probeDestination(store: ArtifactStore, id: string): Promise<void> {
  const key = `durable-export-probe-${id}`;
  const metadata = { contentType: "text/plain" };
  const bytes = encodeUtf8(`Durable Export wrote this to check its access: ${id}\n`);
  try {
    await store.put(key, bytes, metadata);
    await requireBytes(store, key, bytes);
    const upload = { key, uploadId: await store.createUpload(key, metadata) };
    await store.abortUpload(upload);
  } finally {
    await store.delete([key]);
  }
  if ((await store.find(key)) !== undefined) {
    throw new ExportError("destination-refused", "it still has an object that was deleted");
  }
}

async function requireBytes(store: ArtifactStore, key: string, bytes: Uint8Array): Promise<void> {
  const found = await store.find(key);
  const body = await store.read(key, { offset: 1, length: bytes.byteLength - 1 });
  const read = new Uint8Array(await new Response(body ?? null).arrayBuffer());
  const same =
    found?.bytes === bytes.byteLength && read.every((byte, at) => byte === bytes[at + 1]);
  if (!same || read.byteLength !== bytes.byteLength - 1) {
    throw new ExportError("destination-refused", "it returned other bytes than were written");
  }
}
