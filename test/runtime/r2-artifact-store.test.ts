import { env } from "cloudflare:test";
import { expect, test } from "vitest";

import { getExportJobs } from "../../src/config/bindings.ts";
import { inlineArtifactStore } from "../../src/storage/inline/inline-artifact-store.ts";
import { openArtifactStore } from "../../src/storage/open-artifact-store.ts";
import { r2ArtifactStore } from "../../src/storage/r2/r2-artifact-store.ts";
import { artifactStoreContract } from "../contract/artifact-store.ts";
import { api } from "../support/api.ts";
import { inJobs, inlineRowsOf, makeWritingJob } from "../support/writing-job.ts";

const jobs = (): ReturnType<typeof getExportJobs> => getExportJobs(env);
const jobsDatabaseBytes = async (): Promise<number> => jobs().databaseBytes();

artifactStoreContract("r2", () => r2ArtifactStore(env.EXPORT_R2_BUCKET), {
  folder: "contract/r2",
  jobsDatabaseBytes,
});

artifactStoreContract("of a deployment with a bucket", () => openArtifactStore(env), {
  folder: "contract/deployment",
  jobsDatabaseBytes,
});

test("a store removes a file that was kept in the jobs' database before a bucket was bound", async () => {
  const { folder } = await makeWritingJob();
  const key = `${folder}/dump.sql`;
  const inline = inlineArtifactStore(jobs);
  const store = openArtifactStore(env);
  for (const each of [inline, store]) {
    await each.put(key, new Uint8Array([1]), { contentType: "application/sql" });
  }
  await store.delete([key]);
  expect(await store.find(key)).toBeUndefined();
});

test("a store bills R2's operations if a bucket is bound, and none without", () => {
  expect(openArtifactStore(env).billedOperations).toEqual({ write: 1 });
  const { EXPORT_R2_BUCKET: _, ...unbound } = env;
  expect(openArtifactStore(unbound).billedOperations).toEqual({ write: 0 });
});

test("what was kept before a bucket was bound is still read, and goes with its job", async () => {
  const { jobId, folder } = await makeWritingJob();
  const key = `${folder}/dump.sql`;
  const inline = inlineArtifactStore(() => getExportJobs(env));
  await inline.put(key, new Uint8Array([1, 2, 3]), { contentType: "application/sql" });
  const store = openArtifactStore(env);
  expect(await store.find(key)).toMatchObject({ bytes: 3 });
  const body = await store.read(key, { offset: 1, length: 2 });
  expect(new Uint8Array(await new Response(body).arrayBuffer())).toEqual(new Uint8Array([2, 3]));
  // The job was in the midst of a second file.
  const uploadId = await inline.createUpload(`${folder}/b.sql`, { contentType: "application/sql" });
  await inJobs(
    `INSERT INTO tmp_export_job_artifacts (job_id, ordinal, name, content_type, object_key, state, upload_id)
     VALUES (?, 0, 'b.sql', 'application/sql', ?, 'uploading', ?)`,
    jobId,
    `${folder}/b.sql`,
    uploadId,
  );
  expect(await inlineRowsOf(jobId)).toBeGreaterThan(0);
  expect((await api(`/export/dump/${jobId}`, { method: "DELETE" })).status).toBe(200);
  expect(await inlineRowsOf(jobId)).toBe(0);
});

test("an upload that was begun beside the jobs, before a bucket was bound, is one that is gone", async () => {
  const store = openArtifactStore(env);
  const upload = { key: "exports/a/b/c", uploadId: `inline-${crypto.randomUUID()}` };
  const part = { number: 1, bytes: 1, etag: "1" };
  for (const write of [
    () => store.putPart(upload, 1, new Uint8Array(1)),
    () => store.completeUpload(upload, [part]),
  ]) {
    await expect(write()).rejects.toMatchObject({ code: "artifact-corrupt" });
  }
  await store.abortUpload(upload);
});
