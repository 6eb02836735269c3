import { describe, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { MIB, PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { ArtifactStore } from "../../src/storage/artifact-store.ts";

const metadata = { contentType: "application/sql" };

/** Bytes that differ from part to part and along a part. */
function sampleBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + seed * 17 + (at >> 8)) & 0xff;
  return bytes;
}

async function readAll(
  store: ArtifactStore,
  key: string,
  range?: { offset: number; length: number },
): Promise<Uint8Array | undefined> {
  const body = await store.read(key, range);
  return body === undefined ? undefined : new Uint8Array(await new Response(body).arrayBuffer());
}

function sameBytes(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return (
    left !== undefined &&
    left.byteLength === right.byteLength &&
    left.every((byte, at) => byte === right[at])
  );
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return error instanceof ExportError ? error.code : String(error);
  }
}

/**
 * What every artifact store must do; each adapter runs it, with keys that begin with `folder`.
 * `jobsDatabaseBytes` returns the size of the jobs' database.
 */
export function artifactStoreContract(
  name: string,
  open: () => ArtifactStore,
  options: {
    folder: string;
    jobsDatabaseBytes: () => Promise<number>;
    /** The largest object that the service accepts at once, if it accepts fewer bytes than S3. */
    putBytesMax?: number;
  },
): void {
  const { folder, jobsDatabaseBytes, putBytesMax = 19 * MIB + 77 } = options;
  let serial = 0;
  const newKey = (): string => `${folder}/${(serial += 1)}`;

  describe(`artifact store ${name}`, () => {
    test("gives back what was put, whole and in ranges", async () => {
      const store = open();
      const key = newKey();
      const bytes = sampleBytes(10_000);
      const put = await store.put(key, bytes, metadata);
      expect(put.bytes).toBe(10_000);
      expect(await store.find(key)).toEqual(put);
      expect(sameBytes(await readAll(store, key), bytes)).toBe(true);
      for (const [offset, length] of [
        [0, 1],
        [9_999, 1],
        [100, 5_000],
        [0, 10_000],
      ] as const) {
        const part = await readAll(store, key, { offset, length });
        expect(sameBytes(part, bytes.subarray(offset, offset + length))).toBe(true);
      }
    });

    test("gives back what was put at once, however long", async () => {
      const store = open();
      const key = newKey();
      const bytes = sampleBytes(putBytesMax);
      expect((await store.put(key, bytes, metadata)).bytes).toBe(bytes.byteLength);
      expect(sameBytes(await readAll(store, key), bytes)).toBe(true);
      const range = { offset: 8 * MIB - 3, length: putBytesMax - 9 * MIB };
      const part = await readAll(store, key, range);
      expect(sameBytes(part, bytes.subarray(range.offset, range.offset + range.length))).toBe(true);
    });

    test("gives the newest bytes of an object that is put again", async () => {
      const store = open();
      const key = newKey();
      await store.put(key, sampleBytes(300, 1), metadata);
      const again = await store.put(key, sampleBytes(200, 2), metadata);
      expect(await store.find(key)).toEqual(again);
      expect(sameBytes(await readAll(store, key), sampleBytes(200, 2))).toBe(true);
    });

    test("takes space of the jobs' database only if it says so, and frees it", async () => {
      const store = open();
      const key = newKey();
      const before = await jobsDatabaseBytes();
      await store.put(key, sampleBytes(2 * MIB), metadata);
      const growth = (await jobsDatabaseBytes()) - before;
      expect(growth > MIB).toBe(store.usesJobsDatabase);
      await store.delete([key]);
      expect((await jobsDatabaseBytes()) - before).toBeLessThan(MIB);
    });

    test("keeps an empty object", async () => {
      const store = open();
      const key = newKey();
      await store.put(key, new Uint8Array(), metadata);
      expect((await store.find(key))?.bytes).toBe(0);
    });

    test("says of an object that is not there that it is not", async () => {
      const store = open();
      expect(await store.find("contract/none")).toBeUndefined();
      expect(await store.read("contract/none")).toBeUndefined();
      await store.delete(["contract/none"]);
    });

    test("makes one object of its parts, however late and in whatever order they came", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const parts = [1, 2, 3].map((number) =>
        sampleBytes(number === 3 ? 1_234 : PART_BYTES_MIN, number),
      );
      const third = await store.putPart(upload, 3, parts[2] as Uint8Array);
      const first = await store.putPart(upload, 1, parts[0] as Uint8Array);
      const second = await store.putPart(upload, 2, parts[1] as Uint8Array);
      expect(await store.find(key)).toBeUndefined();
      const object = await store.completeUpload(upload, [first, second, third]);
      expect(object.bytes).toBe(2 * PART_BYTES_MIN + 1_234);
      const start = PART_BYTES_MIN - 10;
      const seam = await readAll(store, key, { offset: start, length: 20 });
      expect(sameBytes(seam?.subarray(10), (parts[1] as Uint8Array).subarray(0, 10))).toBe(true);
    });

    test.each([
      ["which is no whole number of MiB", PART_BYTES_MIN + 123_457],
      ["longer than what crosses to a store at once", 9 * MIB + 1],
    ])("gives back parts of a length %s, whole and by ranges of them", async (_, partBytes) => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const bytes = sampleBytes(3 * partBytes - 1_000);
      const parts = [];
      for (const number of [1, 2, 3]) {
        const part = bytes.subarray((number - 1) * partBytes, number * partBytes);
        parts.push(await store.putPart(upload, number, part));
      }
      await store.completeUpload(upload, parts);
      expect(sameBytes(await readAll(store, key), bytes)).toBe(true);
      for (const [offset, length] of [
        [partBytes - 1, 2],
        [partBytes + MIB - 5, MIB + 10],
        [2 * partBytes + 7, partBytes - 1_007],
      ] as const) {
        const range = await readAll(store, key, { offset, length });
        expect(sameBytes(range, bytes.subarray(offset, offset + length))).toBe(true);
      }
    });

    test("leaves out a part that the list does not have", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const first = await store.putPart(upload, 1, sampleBytes(PART_BYTES_MIN));
      await store.putPart(upload, 2, sampleBytes(10));
      const object = await store.completeUpload(upload, [first]);
      expect(object.bytes).toBe(PART_BYTES_MIN);
      expect(sameBytes(await readAll(store, key), sampleBytes(PART_BYTES_MIN))).toBe(true);
    });

    test("refuses parts of which one is not as long as the first", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const parts = [
        await store.putPart(upload, 1, sampleBytes(PART_BYTES_MIN + 1)),
        await store.putPart(upload, 2, sampleBytes(PART_BYTES_MIN)),
        await store.putPart(upload, 3, sampleBytes(1)),
      ];
      expect(await codeOf(store.completeUpload(upload, parts))).toBe("artifact-corrupt");
      expect(await store.find(key)).toBeUndefined();
    });

    test("keeps a part as it was sent, whatever its buffer is used for next", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const buffer = sampleBytes(100);
      const part = await store.putPart(upload, 1, buffer);
      buffer.fill(0);
      await store.completeUpload(upload, [part]);
      expect(sameBytes(await readAll(store, key), sampleBytes(100))).toBe(true);
    });

    test("takes a part that is sent again in the place of the first", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      await store.putPart(upload, 1, sampleBytes(100, 1));
      const again = await store.putPart(upload, 1, sampleBytes(100, 2));
      await store.completeUpload(upload, [again]);
      expect(sameBytes(await readAll(store, key), sampleBytes(100, 2))).toBe(true);
    });

    test("completes again what is completed, with the same answer", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const part = await store.putPart(upload, 1, sampleBytes(100));
      const object = await store.completeUpload(upload, [part]);
      expect(await store.completeUpload(upload, [part])).toEqual(object);
    });

    test("refuses a part of an upload that it has never begun, such as another store's", async () => {
      const store = open();
      const upload = { key: newKey(), uploadId: crypto.randomUUID() };
      expect(await codeOf(store.putPart(upload, 1, sampleBytes(100)))).toBe("artifact-corrupt");
    });

    test("refuses a list of parts with a gap, or with none", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const second = await store.putPart(upload, 2, sampleBytes(100));
      expect(await codeOf(store.completeUpload(upload, [second]))).toBe("artifact-corrupt");
      expect(await codeOf(store.completeUpload(upload, []))).toBe("artifact-corrupt");
      expect(await store.find(key)).toBeUndefined();
    });

    test("refuses a part that has since been replaced", async () => {
      const store = open();
      const key = newKey();
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      const stale = await store.putPart(upload, 1, sampleBytes(100, 1));
      await store.putPart(upload, 1, sampleBytes(100, 2));
      expect(await codeOf(store.completeUpload(upload, [stale]))).toBe("artifact-corrupt");
    });

    test("aborts an upload, also twice, also a completed one, whose object stays", async () => {
      const store = open();
      const key = newKey();
      const aborted = { key, uploadId: await store.createUpload(key, metadata) };
      const lost = await store.putPart(aborted, 1, sampleBytes(100));
      await store.abortUpload(aborted);
      await store.abortUpload(aborted);
      expect(await codeOf(store.completeUpload(aborted, [lost]))).toBe("artifact-corrupt");
      const upload = { key, uploadId: await store.createUpload(key, metadata) };
      await store.completeUpload(upload, [await store.putPart(upload, 1, sampleBytes(100))]);
      await store.abortUpload(upload);
      expect((await store.find(key))?.bytes).toBe(100);
    });

    test("deletes many objects at once", async () => {
      const store = open();
      const keys = [newKey(), newKey(), newKey()];
      for (const key of keys) await store.put(key, sampleBytes(10), metadata);
      await store.delete([...keys, "contract/none"]);
      for (const key of keys) expect(await store.find(key)).toBeUndefined();
    });
  });
}
