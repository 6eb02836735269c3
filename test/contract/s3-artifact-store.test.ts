import { afterAll, beforeAll } from "vitest";

import { s3ArtifactStore } from "../../src/storage/s3/s3-artifact-store.ts";
import { withPrefix } from "../../src/storage/destinations/with-prefix.ts";
import { startFauxS3, startLocalR2, startS3rver, type S3Server } from "../support/s3-servers.ts";
import { artifactStoreContract } from "./artifact-store.ts";

const SERVICES = { "local R2": startLocalR2, s3rver: startS3rver, fauxqs: startFauxS3 };

for (const [name, start] of Object.entries(SERVICES)) {
  let server: S3Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());
  artifactStoreContract(
    `s3 (${name})`,
    () => withPrefix(s3ArtifactStore(server.bucket, { localDevelopment: true }), "backups/"),
    { folder: "contract/s3", jobsDatabaseBytes: async () => 0 },
  );
}
