import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
