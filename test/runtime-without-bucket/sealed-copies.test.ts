import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

import type { CopyView } from "../../src/api/copies.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { Manifest } from "../../src/api/manifest.ts";
import { createApp } from "../../src/app.ts";
import { isSealed, openSealed } from "../../src/sealing/open-sealed.ts";
import { TEST_IDENTITY } from "../support/age-keys.ts";
import {
  api,
  download,
  emptyDatabase,
  ended,
  fillNoise,
  query,
  startExport,
} from "../support/api.ts";
import { failSteps } from "../support/faulty-steps.ts";

const { ARCHIVE_BUCKET: archive } = env as unknown as { ARCHIVE_BUCKET: R2Bucket };
const BODY = { copyTo: ["archive"], encrypt: "copies" };

beforeEach(() => emptyDatabase());

function copyOf(view: JobView): CopyView {
  const [copy] = view.copies;
  if (copy === undefined) throw new Error("there is no copy");
  return copy;
}

async function read(key: string): Promise<Uint8Array> {
  const object = await archive.get(key);
  if (object === null) throw new Error(`there is no ${key}`);
  return new Uint8Array(await object.arrayBuffer());
}

async function expectSealed(view: JobView): Promise<void> {
  expect(view).toMatchObject({ status: "completed", warnings: [] });
  const { folder, state, sealed } = copyOf(view);
  expect({ state, sealed }).toEqual({ state: "copied", sealed: true });
  const { objects } = await archive.list({ prefix: folder });
  expect(objects.map(({ key }) => key.slice(folder.length))).toEqual([
    "dump.sql.age",
    "manifest.json",
    "manifest.json.sig",
  ]);
  const bytes = await read(`${folder}dump.sql.age`);
  expect(isSealed(bytes)).toBe(true);
  const plain = await openSealed(new Blob([new Uint8Array(bytes)]).stream(), [TEST_IDENTITY]);
  const opened = new Uint8Array(await new Response(plain).arrayBuffer());
  expect(Buffer.compare(opened, await download(view.jobId))).toBe(0);
}

test("a copy is sealed for the recipients, file by file, and its manifest stays plain", async () => {
  await query("CREATE TABLE secrets(x)", "INSERT INTO secrets VALUES ('planted-secret')");
  const view = await ended((await startExport({ copyTo: ["archive"] })).jobId);
  await expectSealed(view);
  const { folder } = copyOf(view);
  for (const name of ["dump.sql.age", "manifest.json"]) {
    const text = new TextDecoder("latin1").decode(await read(`${folder}${name}`));
    expect(text).not.toContain("planted-secret");
  }
  const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
  expect(manifest.copies).toEqual([{ destination: "archive", folder, sealed: true }]);
});

test("a large copy is sealed in parts, and each attempt of a part sends the same bytes", async () => {
  await fillNoise({ rows: 560, rowBytes: 8_000 });
  const faults = failSteps((name) => name.startsWith("copy dump.sql.age"), "after");
  let view: JobView;
  try {
    view = await ended((await startExport(BODY)).jobId);
  } finally {
    await faults.restore();
  }
  await expectSealed(view);
});

test("no key of a seal stays in the jobs database, or shows in a view", async () => {
  await fillNoise({ rows: 560, rowBytes: 8_000 });
  const { jobId } = await ended((await startExport(BODY)).jobId);
  const rows = await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
    storage.sql
      .exec("SELECT upload_json FROM tmp_export_job_copies WHERE job_id = ?", jobId)
      .toArray(),
  );
  expect(rows).toEqual([{ upload_json: null }]);
  expect(await (await api(`/export/dump/${jobId}`)).text()).not.toContain("streamKey");
});

test("a request for encryption is refused if there is no recipient", async () => {
  const bindings = { ...env, EXPORT_AGE_RECIPIENTS: "" };
  const headers = { authorization: "Bearer test-admin-token-0123456789" };
  const call = { method: "POST", headers, body: JSON.stringify(BODY) };
  const response = await createApp().request("https://a.example/export/dump", call, bindings);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid-request",
    detail: expect.stringContaining("EXPORT_AGE_RECIPIENTS contains no public key"),
  });
});

test("a recipient that is no public key is refused by name, and not shown", async () => {
  const bindings = { ...env, EXPORT_AGE_RECIPIENTS: TEST_IDENTITY };
  const headers = { authorization: "Bearer test-admin-token-0123456789" };
  const response = await createApp().request(
    "https://a.example/export/jobs",
    { headers },
    bindings,
  );
  const text = await response.text();
  expect(text).toContain("EXPORT_AGE_RECIPIENTS: key 1 is private");
  expect(text).not.toContain(TEST_IDENTITY);
});
