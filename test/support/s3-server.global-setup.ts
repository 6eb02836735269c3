import type { TestProject } from "vitest/node";
import type { S3Bucket } from "../../src/storage/s3/s3-client.ts";
import { startLocalR2 } from "./local-r2.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The bucket of an S3 service that verifies signatures, for tests in workerd. */
    s3Bucket: S3Bucket;
  }
}

/** Runs an S3 service during the tests: workerd itself cannot listen on a port. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const server = await startLocalR2();
  project.provide("s3Bucket", server.bucket);
  return server.stop;
}
