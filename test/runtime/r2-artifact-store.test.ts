import { env } from "cloudflare:test";

import { r2ArtifactStore } from "../../src/storage/r2-artifact-store.ts";
import { artifactStoreContract } from "../contract/artifact-store.ts";

artifactStoreContract("r2", () => r2ArtifactStore(env.EXPORT_R2_BUCKET));
