import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { concatBytes } from "../../src/lib/bytes.ts";
import { MIB } from "../../src/api/limits.ts";
import { unwrap } from "../../src/rpc/outcome.ts";
import { ExportError } from "../../src/api/errors.ts";
import type { ArtifactStore } from "../../src/storage/artifact-store.ts";
import { inlineArtifactStore } from "../../src/storage/inline/inline-artifact-store.ts";
import { artifactStoreContract } from "../contract/artifact-store.ts";
import { inJobs, inlineRowsOf, makeWritingJob } from "../support/writing-job.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");
const store = inlineArtifactStore(jobs);
const metadata = { contentType: "application/sql" };

const contractJob = await makeWritingJob();
artifactStoreContract("inline", () => store, {
  folder: contractJob.folder,
  jobsDatabaseBytes: async () => jobs().databaseBytes(),
});

let job = contractJob;
beforeEach(async () => {
  job = await makeWritingJob();
});
afterEach(async () => {
  // What one test keeps must not take the room of the next.
  for (const table of ["blobs", "parts", "uploads"]) {
    await inJobs(`DELETE FROM tmp_export_job_${table}`);
  }
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error instanceof ExportError ? error.code : String(error);
}

describe("a file beside the jobs", () => {
  test("is kept in rows of at most 1 MiB, one a MiB", async () => {
    await store.put(`${job.folder}/a`, new Uint8Array(9 * MIB + 1), metadata);
    const rows = await inJobs<{ bytes: number }>(
      "SELECT length(bytes) AS bytes FROM tmp_export_job_blobs WHERE job_id = ?",
      job.jobId,
    );
    expect(rows.map(({ bytes }) => bytes)).toEqual([...Array.from({ length: 9 }, () => MIB), 1]);
  });

  test("is asked for a row at a time, and only while its reader wants more", async () => {
    let asked = 0;
    const counting = inlineArtifactStore(
      () =>
        ({
          findObject: (key: string) => jobs().findObject(key),
          readObject: (...of: Parameters<ReturnType<typeof jobs>["readObject"]>) => {
            asked += 1;
            return jobs().readObject(...of);
          },
        }) as unknown as ReturnType<typeof jobs>,
    );
    const key = `${job.folder}/a`;
    await store.put(key, new Uint8Array(5 * MIB), metadata);
    const reader = (await counting.read(key))?.getReader();
    expect(asked).toBe(0);
    const { value } = (await reader?.read()) ?? {};
    expect(value?.byteLength).toBe(MIB);
    await reader?.cancel();
    expect(asked).toBe(1);
  });

  test("is read on where the object that has it died between two rows", async () => {
    const key = `${job.folder}/a`;
    const bytes = new Uint8Array(3 * MIB).map((_, at) => at >> 16);
    await store.put(key, bytes, metadata);
    const read: Uint8Array[] = [];
    for await (const block of (await store.read(key)) ?? []) {
      read.push(block);
      await abortAllDurableObjects();
    }
    expect(Buffer.compare(concatBytes(read), bytes)).toBe(0);
  });

  test("ends its reader with an error where it is replaced or deleted meanwhile", async () => {
    const key = `${job.folder}/a`;
    for (const change of [
      () => store.put(key, new Uint8Array(2 * MIB).fill(2), metadata),
      () => store.delete([key]),
    ]) {
      await store.put(key, new Uint8Array(2 * MIB).fill(1), metadata);
      const reader = (await store.read(key))?.getReader();
      expect((await reader?.read())?.value?.every((byte) => byte === 1)).toBe(true);
      await change();
      expect(await codeOf(reader?.read() ?? Promise.resolve())).toBe("artifact-corrupt");
    }
  });

  test("is refused where a row of it is missing", async () => {
    const key = `${job.folder}/a`;
    await store.put(key, new Uint8Array(2 * MIB), metadata);
    await inJobs("DELETE FROM tmp_export_job_blobs WHERE job_id = ? AND number = 1", job.jobId);
    const body = await store.read(key);
    expect(await codeOf(new Response(body).arrayBuffer())).toBe("artifact-corrupt");
  });
});

describe("nothing is taken", () => {
  const writes: [string, (key: string) => Promise<unknown>][] = [
    ["an object", (key) => store.put(key, new Uint8Array(1), metadata)],
    ["an upload", (key) => store.createUpload(key, metadata)],
  ];
  test.each(writes)("for a job that has ended, or that never was: %s", async (_, write) => {
    await inJobs("UPDATE tmp_export_jobs SET state = 'cancelled' WHERE job_id = ?", job.jobId);
    expect(await codeOf(write(`${job.folder}/a`))).toBe("run-superseded");
    expect(await codeOf(write("exports/no-job/no-snapshot/a"))).toBe("run-superseded");
    expect(await codeOf(write("a"))).toBe("run-superseded");
    expect(await inlineRowsOf(job.jobId)).toBe(0);
  });

  test.each(writes)("for a job that was planned for a bucket: %s", async (_, write) => {
    const key = "exports/main/2026/11/28/20261128T031700Z-0b1f2c3d-2/dump.sql";
    expect(await codeOf(write(key))).toBe("artifact-corrupt");
  });

  test("of a try that a new snapshot has made void", async () => {
    const upload = {
      key: `${job.folder}/a`,
      uploadId: await store.createUpload(`${job.folder}/a`, metadata),
    };
    const part = await store.putPart(upload, 1, new Uint8Array(10));
    await inJobs("UPDATE tmp_export_jobs SET snapshot_id = 'other' WHERE job_id = ?", job.jobId);
    expect(await codeOf(store.putPart(upload, 2, new Uint8Array(10)))).toBe("run-superseded");
    expect(await codeOf(store.completeUpload(upload, [part]))).toBe("run-superseded");
  });

  test("where there is no room, and there is again once something is deleted", async () => {
    const bytes = new Uint8Array(20 * MIB);
    await store.put(`${job.folder}/a`, bytes, metadata);
    const before = await inlineRowsOf(job.jobId);
    const small = new Uint8Array(8 * MIB);
    await store.put(`${job.folder}/b`, small, metadata);
    expect(await codeOf(store.put(`${job.folder}/c`, small, metadata))).toBe("inline-storage-full");
    expect(await store.find(`${job.folder}/c`)).toBeUndefined();
    await store.delete([`${job.folder}/b`]);
    expect(await inlineRowsOf(job.jobId)).toBe(before);
    expect((await store.put(`${job.folder}/c`, small, metadata)).bytes).toBe(small.byteLength);
  });
});

describe("a part", () => {
  const piecesOf = async (
    opened: ArtifactStore,
  ): Promise<(etag: string, offset: number) => object> => {
    const key = `${job.folder}/a`;
    const upload = { key, uploadId: await opened.createUpload(key, metadata) };
    const bytes = new Uint8Array(MIB);
    return (etag, offset) => ({
      upload,
      number: 1,
      etag,
      offset,
      bytes: bytes.fill(etag === "one" ? 1 : 2),
    });
  };

  test("that two tries send at once is the one's that began last, and the other is to try again", async () => {
    const piece = await piecesOf(store);
    const send = (etag: string, offset: number) =>
      jobs()
        .putPiece(piece(etag, offset) as Parameters<ReturnType<typeof jobs>["putPiece"]>[0])
        .then(unwrap);
    await send("one", 0);
    await send("two", 0);
    expect(await codeOf(send("one", MIB))).toBe("storage-unavailable");
    await send("two", MIB);
    const rows = await inJobs<{ first: string }>(
      "SELECT hex(substr(bytes, 1, 1)) AS first FROM tmp_export_job_blobs WHERE job_id = ?",
      job.jobId,
    );
    expect(rows).toEqual([{ first: "02" }, { first: "02" }]);
  });

  test("of an upload that is completed is not taken any more", async () => {
    const key = `${job.folder}/a`;
    const upload = { key, uploadId: await store.createUpload(key, metadata) };
    const part = await store.putPart(upload, 1, new Uint8Array(10));
    await store.completeUpload(upload, [part]);
    expect(await codeOf(store.putPart(upload, 1, new Uint8Array(10)))).toBe("artifact-corrupt");
    expect((await store.find(key))?.bytes).toBe(10);
  });
});
