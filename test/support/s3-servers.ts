import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import { startFauxqs } from "fauxqs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

import type { S3Bucket } from "../../src/storage/s3/s3-client.ts";

/** An S3 service that runs on this machine, with one bucket. */
export interface S3Server {
  bucket: S3Bucket;
  stop: () => Promise<void>;
}

/**
 * The local runtime's S3 endpoint for R2. It verifies signatures, computes no checksums, refuses
 * session tokens, and lists no parts.
 */
export async function startLocalR2(): Promise<S3Server> {
  const credentials = { accessKeyId: "local-r2-key-id", secretAccessKey: "local-r2-secret" };
  const folder = mkdtempSync(join(tmpdir(), "s3-r2-"));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "s3",
      modules: [{ type: "ESModule", path: "worker.js", contents: "export default {};" }],
      compatibilityDate: "2026-11-01",
      r2Buckets: { COPIES: { id: "copies", s3Credentials: credentials } },
      resourcePersistencePath: folder,
      host: "127.0.0.1",
    }),
  );
  const url = await miniflare.ready;
  return {
    bucket: {
      endpoint: `${url.origin}/cdn-cgi/local/r2/s3`,
      region: "auto",
      bucket: "copies",
      pathStyle: true,
      ...credentials,
    },
    stop: async () => {
      await miniflare.dispose();
      rmSync(folder, { recursive: true });
    },
  };
}

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
