import type { ManifestArtifact } from "./answers.ts";

/**
 * Returns an artifact as the Worker stores and sends it: its sealed file if the export is sealed.
 * The chunks of a sealed file are not known.
 */
export function storedArtifact({ sealed, ...plain }: ManifestArtifact): ManifestArtifact {
  return sealed === undefined ? plain : { ...plain, ...sealed, chunks: [] };
}
