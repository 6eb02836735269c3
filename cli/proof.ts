import { createHash } from "node:crypto";

import type { ManifestArtifact } from "./answers.ts";

/** Judges a file by its bytes, which arrive in order. */
export interface Proof {
  update(chunk: Uint8Array): void;
  /** Call it once, after the last byte. */
  end(): { isProved: boolean; sha256: string };
}

/** Proves an artifact against the manifest's SHA-256. */
export function artifactProof(artifact: Pick<ManifestArtifact, "sha256">): Proof {
  const hash = createHash("sha256");
  return {
    update: (chunk) => void hash.update(chunk),
    end: () => {
      const sha256 = hash.digest("hex");
      return { isProved: sha256 === artifact.sha256, sha256 };
    },
  };
}
