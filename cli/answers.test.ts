import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";

import type { JobView } from "../src/api/job-view.ts";
import type { Manifest as FullManifest } from "../src/api/manifest.ts";
import { JobSchema, ManifestSchema } from "./answers.ts";

test("what the Worker answers is what the command line reads", () => {
  expectTypeOf<JobView>().toExtend<v.InferInput<typeof JobSchema>>();
  expectTypeOf<FullManifest>().toExtend<v.InferInput<typeof ManifestSchema>>();
  expect(Object.keys(JobSchema.entries)).toContain("jobId");
});
