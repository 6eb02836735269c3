import { createHash } from "node:crypto";

import { env } from "cloudflare:test";
import { expect, test } from "vitest";

import type { ArtifactRecord } from "../../src/rpc/artifact-record.ts";
import { ExportError } from "../../src/api/errors.ts";
import { MIB } from "../../src/api/limits.ts";
import type { ArtifactStore } from "../../src/storage/artifact-store.ts";
import { r2ArtifactStore } from "../../src/storage/r2/r2-artifact-store.ts";
import { verifyArtifacts } from "../../src/workflows/export/artifact-steps.ts";
import type { RunContext } from "../../src/workflows/engine/run-context.ts";

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Longer than two requests of the read-back, in chunks that end neither with a request nor a block. */
const WRITTEN = Uint8Array.from(
  { length: 17 * MIB + 123 },
  (_, at) => (at * 31 + (at >> 9)) & 0xff,
);
const CHUNK_BYTES = 3 * MIB + 77;

/** Verifies an artifact that a ledger says was `WRITTEN`, over what the store holds. */
async function verify(
  stored: Uint8Array | undefined,
  change: (store: ArtifactStore) => Partial<ArtifactStore> = () => ({}),
): Promise<string | null> {
  const r2 = r2ArtifactStore(env.EXPORT_R2_BUCKET);
  const objectKey = `verify/${crypto.randomUUID()}`;
  if (stored !== undefined) await r2.put(objectKey, stored, { contentType: "application/sql" });
  const pieces: { bytes: number; sha256: string; run: number; parts: [] }[] = [];
  for (let at = 0; at < WRITTEN.byteLength; at += CHUNK_BYTES) {
    const bytes = WRITTEN.subarray(at, at + CHUNK_BYTES);
    pieces.push({ bytes: bytes.byteLength, sha256: sha256Of(bytes), run: 1, parts: [] });
  }
  const artifact = {
    ordinal: 0,
    name: "dump.sql",
    objectKey,
    bytes: WRITTEN.byteLength,
    sha256: null,
  };
  const context = {
    runId: { jobId: "job", run: 1 },
    beat: async () => {},
    store: { ...r2, ...change(r2) },
    jobs: {
      artifact: async (_: unknown, ordinal: number) => ({
        ok: true,
        value: ordinal === 0 ? (artifact as ArtifactRecord) : null,
      }),
      pieces: async () => ({ ok: true, value: pieces }),
      recordVerified: async () => ({ ok: true, value: null }),
    },
  };
  return (await verifyArtifacts(context as unknown as RunContext, 0, MIB)).sha256;
}

async function failureOf(verified: Promise<unknown>): Promise<string> {
  const error: unknown = await verified.catch((cause: unknown) => cause);
  return error instanceof ExportError ? `${error.code}: ${error.message}` : String(error);
}

test("gives the SHA-256 of what is stored, over several requests and chunks", async () => {
  expect(await verify(WRITTEN)).toBe(sha256Of(WRITTEN));
});

test("names the chunk in which one byte differs", async () => {
  const other = WRITTEN.slice();
  other[2 * CHUNK_BYTES] = (other[2 * CHUNK_BYTES] as number) ^ 1;
  expect(await failureOf(verify(other))).toBe(
    "artifact-corrupt: chunk 3 of dump.sql differs from what was written",
  );
});

test("refuses an object that is shorter, longer, or gone", async () => {
  const longer = new Uint8Array(WRITTEN.byteLength + 1);
  longer.set(WRITTEN);
  expect(await failureOf(verify(WRITTEN.subarray(0, -1)))).toContain("artifact-corrupt");
  expect(await failureOf(verify(longer))).toContain("artifact-corrupt");
  expect(await failureOf(verify(undefined))).toBe("artifact-corrupt: dump.sql is not in the store");
});

test.each([
  ["less", -1],
  ["more", 1],
])("refuses a store whose last answer has a byte %s than was asked for", async (_, extra) => {
  const read = (store: ArtifactStore): Partial<ArtifactStore> => ({
    read: async (key, range) => {
      const body = await store.read(key, range);
      if ((range?.offset ?? 0) + (range?.length ?? 0) < WRITTEN.byteLength) return body;
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      const answer = new Uint8Array(bytes.byteLength + extra);
      answer.set(bytes.subarray(0, answer.byteLength));
      return new Response(answer).body as ReadableStream<Uint8Array>;
    },
  });
  expect(await failureOf(verify(WRITTEN, read))).toBe(
    "artifact-corrupt: dump.sql was read back with another length",
  );
});

test("refuses an object that is deleted while it is read", async () => {
  const read = (store: ArtifactStore): Partial<ArtifactStore> => ({
    read: async (key, range) =>
      (range?.offset ?? 0) > 0 ? undefined : await store.read(key, range),
  });
  expect(await failureOf(verify(WRITTEN, read))).toBe(
    "artifact-corrupt: dump.sql is no longer in the store",
  );
});
