import { env } from "cloudflare:workers";
import { afterEach, expect, inject, test, vi } from "vitest";

import type { JobView } from "../../src/api/job-view.ts";
import { createApp } from "../../src/app.ts";
import { ExportWorkflow } from "../../src/workflows/export/export-workflow.ts";
import { TEST_RECIPIENT } from "../support/age-keys.ts";
import { api, emptyDatabase, ended, query } from "../support/api.ts";
import { destinationBindings } from "../support/destinations.ts";
import { recordSteps } from "../support/faulty-steps.ts";
import { readJobsDatabase } from "../support/read-jobs-database.ts";
import { TEST_SIGNING_KEY } from "../support/signing-keys.ts";

const s3 = inject("s3Bucket");
const TOKEN = "test-admin-token-0123456789";
const WRONG_SECRET = "planted-secret-of-a-destination";
/** `refused` is a destination whose secret is wrong, so that its errors are shown. */
const deployed = {
  ...env,
  ...destinationBindings({ offsite: s3, refused: { ...s3, secretAccessKey: WRONG_SECRET } }),
  EXPORT_AGE_RECIPIENTS: TEST_RECIPIENT,
  EXPORT_SIGNING_KEY: TEST_SIGNING_KEY,
};
const SECRETS = [s3.secretAccessKey, WRONG_SECRET, TEST_SIGNING_KEY, TOKEN];

const { prototype } = ExportWorkflow;
const realRun = Object.getOwnPropertyDescriptor(prototype, "run") as PropertyDescriptor;
const LOGS = ["log", "info", "warn", "error", "debug"] as const;

afterEach(() => {
  Object.defineProperty(prototype, "run", realRun);
  vi.restoreAllMocks();
});

test("secrets are in no log, view, step result, error, manifest or row", async () => {
  await emptyDatabase();
  await query("CREATE TABLE a(x)");
  const logged: unknown[][] = [];
  for (const level of LOGS) {
    vi.spyOn(console, level).mockImplementation((...words) => void logged.push(words));
  }
  const run = realRun.value as ExportWorkflow["run"];
  prototype.run = function (this: ExportWorkflow, ...args) {
    Object.defineProperty(this, "env", { value: deployed });
    return run.apply(this, args);
  };
  const { recorded, restore } = recordSteps();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const body = JSON.stringify({ copyTo: ["offsite", "refused"] });
  const call = { method: "POST", headers, body };
  const request = createApp().request("http://localhost:8787/export/dump", call, deployed);
  const { jobId } = await (await request).json<JobView>();
  const view = await ended(jobId);
  restore();
  expect(view.copies.map(({ state, sealed, error }) => [state, sealed, error?.code])).toEqual([
    ["copied", true, undefined],
    ["retrying", true, "destination-refused"],
  ]);
  const manifest = await (await api(`/export/dump/${jobId}/manifest`)).text();
  expect(manifest).toContain('"signed": true');
  const database = await readJobsDatabase();
  expect(database).toContain(jobId);
  expect(recorded.join()).toContain("destination-refused");
  const shown = [JSON.stringify([view, logged, recorded]), manifest, database].join("\n");
  for (const secret of SECRETS) {
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain(btoa(secret));
  }
});
