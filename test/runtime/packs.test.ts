import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

import { env } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";

import { MIB, PART_BYTES_MIN } from "../../src/api/limits.ts";
import { encodeUtf8 } from "../../src/lib/bytes.ts";
import type { Upload } from "../../src/rpc/stored-object.ts";
import { findMember, readPackIndex } from "../../src/storage/packs/find-member.ts";
import { PackWriter } from "../../src/storage/packs/pack-writer.ts";
import { writePackIndex } from "../../src/storage/packs/write-index.ts";
import { r2ArtifactStore } from "../../src/storage/r2/r2-artifact-store.ts";
import { bucketPrototype, realBucket, restoreBucket } from "../support/faulty-bucket.ts";
import { recordUploads } from "../support/recorded-uploads.ts";

const store = r2ArtifactStore(env.EXPORT_R2_BUCKET);
const snapshotAt = "2026-11-29T03:00:00.000Z";

afterEach(restoreBucket);

/** Writes a pack of files, by member; returns it, and the uploads that it recorded. */
async function write(key: string, files: Record<string, Uint8Array>) {
  const uploads: Upload[] = [];
  const writer = new PackWriter({
    store,
    key,
    contentType: "application/sql",
    partBytes: PART_BYTES_MIN,
    recordUpload: async (upload) => void uploads.push(upload),
  });
  for (const [member, file] of Object.entries(files)) {
    await writer.add({ member, file, rows: 1, snapshotAt });
  }
  return { uploads, pack: await writer.finish() };
}

/** Returns a member's file as a download finds it: one read of the index, one of a range. */
async function readMemberFile(key: string, member: string) {
  const found = findMember(await readPackIndex(store, `${key}.json`), member);
  if (found === undefined) return undefined;
  const range = { offset: found.offset, length: found.bytes };
  return new Response(await store.read(key, range)).text();
}

const FLEET = {
  fleetId: "fleet",
  source: "tenants",
  namedBy: "name",
  contentType: "application/sql",
} as const;

test("a small pack is put whole, and one range read returns one member's file", async () => {
  const names = ["A", "a", "a/b", "é", "\uffff", "\u{1f98b}"];
  const files = Object.fromEntries(names.map((name) => [name, encodeUtf8(`dump of ${name}`)]));
  const { pack, uploads } = await write("packs/small", { ...files });
  expect(uploads).toEqual([]);
  expect(pack.r2ClassAOperations).toBe(1);
  await writePackIndex(store, "packs/small.json", pack, FLEET);
  for (const name of names) {
    expect(await readMemberFile("packs/small", name)).toBe(`dump of ${name}`);
  }
  for (const name of ["", "B", "a ", "\u{1f98c}"]) {
    expect(await readMemberFile("packs/small", name)).toBeUndefined();
  }
});

test("a pack of several parts contains the same bytes, and leaves no upload open", async () => {
  const recorded = recordUploads();
  const files = Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [
      `tenant ${String(n).padStart(2, "0")}`,
      new Uint8Array(MIB + n).fill(n),
    ]),
  );
  const { pack, uploads } = await write("packs/large", files);
  expect(uploads).toHaveLength(1);
  expect(pack.members).toHaveLength(12);
  const object = await env.EXPORT_R2_BUCKET.get("packs/large");
  const bytes = await object?.bytes();
  for (const { member, offset, bytes: length } of pack.members) {
    const file = Buffer.from(bytes?.subarray(offset, offset + length) ?? []);
    expect([member, file.equals(files[member] ?? file)]).toEqual([member, true]);
  }
  restoreBucket();
  expect(await recorded.countOpen()).toBe(0);
});

test("a pack whose stored bytes differ from the written ones is refused", async () => {
  bucketPrototype.put = function (this: R2Bucket, key: string, value: never, ...rest: never[]) {
    const changed = (value as Uint8Array).slice();
    changed[0] = (changed[0] ?? 0) + 1;
    return realBucket.put.call(this, key, changed as never, ...rest);
  } as never;
  await expect(write("packs/changed", { a: encodeUtf8("dump") })).rejects.toMatchObject({
    code: "artifact-corrupt",
  });
});

test("an upload that cannot be recorded is aborted", async () => {
  const recorded = recordUploads();
  const writer = new PackWriter({
    store,
    key: "packs/unrecorded",
    contentType: "application/sql",
    partBytes: PART_BYTES_MIN,
    recordUpload: () => Promise.reject(new Error("the jobs object is gone")),
  });
  await expect(
    writer.add({ member: "a", file: new Uint8Array(PART_BYTES_MIN), rows: 0, snapshotAt }),
  ).rejects.toThrow("the jobs object is gone");
  restoreBucket();
  expect(await recorded.countOpen()).toBe(0);
});

test("an index is read back as it was written, and one that is gone or changed is reported", async () => {
  const { pack } = await write("packs/indexed", { a: encodeUtf8("dump") });
  const written = await writePackIndex(store, "packs/indexed.json", pack, FLEET);
  expect(await readPackIndex(store, "packs/indexed.json")).toMatchObject({
    bytes: 4,
    members: [{ member: "a", offset: 0, bytes: 4 }],
  });
  const body = await new Response(await store.read("packs/indexed.json")).bytes();
  expect(written).toEqual({
    bytes: body.byteLength,
    sha256: createHash("sha256").update(body).digest("hex"),
  });
  const contentType = "application/json";
  await store.put("packs/broken.json", encodeUtf8('{"version":1'), { contentType });
  await expect(readPackIndex(store, "packs/broken.json")).rejects.toMatchObject({
    code: "artifact-corrupt",
  });
  await expect(readPackIndex(store, "packs/gone.json")).rejects.toMatchObject({
    code: "artifact-missing",
  });
});
