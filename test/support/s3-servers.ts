import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import { startFauxqs } from "fauxqs";

import type { S3Server } from "./local-r2.ts";

/**
 * A service that verifies signatures and accepts parts of any length; it neither aborts uploads nor
 * compares ETags of parts, and it verifies the signature of a request to a virtual host wrongly.
 */
export async function startS3rver(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), "s3rver-"));
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    serviceEndpoint: "localhost",
    directory,
    configureBuckets: [{ name: "copies" }],
  });
  const { port } = await server.run();
  return {
    bucket: {
      endpoint: `http://127.0.0.1:${port}`,
      region: "eu-central-1",
      bucket: "copies",
      pathStyle: true,
      accessKeyId: "S3RVER",
      secretAccessKey: "S3RVER",
    },
    stop: async () => {
      await server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/**
 * A service that combines the checksums of parts, and compares their ETags; it verifies neither
 * signatures nor checksums.
 */
export async function startFauxS3(): Promise<S3Server> {
  const server = await startFauxqs({ port: 0, logger: false, host: "127.0.0.1" });
  server.createBucket("copies");
  return {
    bucket: {
      endpoint: `http://127.0.0.1:${server.port}`,
      region: "us-east-1",
      bucket: "copies",
      pathStyle: true,
      accessKeyId: "test",
      secretAccessKey: "test",
    },
    stop: () => server.stop(),
  };
}
