import type { TestProject } from "vitest/node";
import type { S3Bucket } from "../../src/storage/s3/s3-client.ts";
import { startLocalR2 } from "./local-r2.ts";
import { startFauxS3 } from "./s3-servers.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The bucket of an S3 service that verifies signatures, for tests in workerd. */
    s3Bucket: S3Bucket;
    /** That of a service that computes checksums. */
    checkingS3Bucket: S3Bucket;
  }
}

/** Runs S3 services during the tests: workerd itself cannot listen on a port. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const [server, checking] = await Promise.all([startLocalR2(), startFauxS3()]);
  project.provide("s3Bucket", server.bucket);
  project.provide("checkingS3Bucket", checking.bucket);
  return async () => {
    await Promise.all([server.stop(), checking.stop()]);
  };
}
