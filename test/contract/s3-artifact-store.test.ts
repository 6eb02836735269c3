import { afterAll, beforeAll } from "vitest";

import { MIB } from "../../src/api/limits.ts";
import { withPrefix } from "../../src/storage/destinations/with-prefix.ts";
import { s3ArtifactStore } from "../../src/storage/s3/s3-artifact-store.ts";
import { type S3Server, startLocalR2 } from "../support/local-r2.ts";
import { startFauxS3 } from "../support/s3-servers.ts";
import { artifactStoreContract } from "./artifact-store.ts";

const SERVICES = {
  "local R2": { start: startLocalR2 },
  fauxqs: { start: startFauxS3, putBytesMax: 10 * MIB },
};

for (const [name, { start, ...limits }] of Object.entries(SERVICES)) {
  let server: S3Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());
  artifactStoreContract(
    `s3 (${name})`,
    () => withPrefix(s3ArtifactStore(server.bucket, { localDevelopment: true }), "backups/"),
    { folder: "contract/s3", jobsDatabaseBytes: async () => 0, ...limits },
  );
}
