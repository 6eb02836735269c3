import type { Manifest } from "./answers.ts";

/**
 * The consistency that an export's request asked for, and the method that was used. The names are those of job
 * views and manifests.
 */
export interface Consistency {
  /** `snapshot` or `live`. */
  requestedConsistency: string;
  /** `one-turn` or `undo-log`; null for `live`, and until the instant is chosen. */
  snapshotMethod: string | null;
}

/**
 * Returns the consistency of a finished export. Manifests of version 0.1 contain only the method,
 * as `consistency`.
 */
export function findConsistency(
  manifest: Pick<Manifest, "consistency" | "requestedConsistency" | "snapshotMethod">,
): Consistency {
  const isLive = manifest.consistency === "live";
  const {
    requestedConsistency = isLive ? "live" : "snapshot",
    snapshotMethod = isLive ? null : manifest.consistency,
  } = manifest;
  return { requestedConsistency, snapshotMethod };
}

const METHODS: Readonly<Record<string, string>> = {
  "one-turn": "read in one turn",
  "undo-log": "kept by an undo log",
};

/** Returns, for instance, "snapshot (one instant, kept by an undo log)". */
export function describeConsistency({ requestedConsistency, snapshotMethod }: Consistency): string {
  if (requestedConsistency === "live") return "live (each page in its current state)";
  if (requestedConsistency !== "snapshot") return requestedConsistency;
  const method = snapshotMethod === null ? [] : [METHODS[snapshotMethod] ?? snapshotMethod];
  return `snapshot (${["one instant", ...method].join(", ")})`;
}
