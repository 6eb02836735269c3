import { env } from "cloudflare:test";
import { inject } from "vitest";

import { getExportJobs } from "../../src/config/bindings.ts";
import { withPrefix } from "../../src/storage/destinations/with-prefix.ts";
import { s3ArtifactStore } from "../../src/storage/s3/s3-artifact-store.ts";
import { artifactStoreContract } from "../contract/artifact-store.ts";

artifactStoreContract(
  "s3 (from workerd)",
  () => withPrefix(s3ArtifactStore(inject("s3Bucket"), { localDevelopment: true }), "backups/"),
  {
    folder: "contract/s3",
    jobsDatabaseBytes: async () => getExportJobs(env).databaseBytes(),
  },
);
