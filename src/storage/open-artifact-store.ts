import type { ExportEnv } from "../env.ts";
import { ExportError } from "../model/error.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { r2ArtifactStore } from "./r2-artifact-store.ts";

/** The store of a deployment. Errors: `configuration-invalid` where it has no bucket. */
export function openArtifactStore(env: ExportEnv): ArtifactStore {
  if (env.EXPORT_R2_BUCKET === undefined) {
    throw new ExportError("configuration-invalid", "binding EXPORT_R2_BUCKET is missing");
  }
  return r2ArtifactStore(env.EXPORT_R2_BUCKET);
}
