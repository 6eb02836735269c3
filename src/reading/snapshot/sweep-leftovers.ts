import { ExportError } from "../../api/errors.ts";
import type { Source } from "../../databases/source.ts";
import { type OtherSnapshot, sweepSnapshots } from "./close-snapshot.ts";

/**
 * True for a snapshot that nobody reads anymore, although its lease has not expired: its job is
 * over, or an earlier attempt of the same job opened it.
 */
export type IsLeftover = (snapshot: OtherSnapshot) => boolean | Promise<boolean>;

/**
 * Removes the snapshots that nobody reads anymore; returns the others. Dead tables that cannot be
 * removed do no harm: no other snapshot has their names.
 */
export async function sweepLeftovers(
  source: Source,
  isLeftover: IsLeftover,
): Promise<OtherSnapshot[]> {
  const { kept } = await sweepSnapshots(source, (other) => !other.hasLease || isLeftover(other));
  return kept;
}

/** Removes leftovers and requires that no other snapshot is alive. Errors: `snapshot-busy`. */
export async function requireAlone(source: Source, isLeftover: IsLeftover): Promise<void> {
  const [other] = await sweepLeftovers(source, isLeftover);
  if (other === undefined) return;
  throw new ExportError(
    "snapshot-busy",
    `the database already has a snapshot, which export ${other.jobId} reads`,
    { details: { jobId: other.jobId } },
  );
}
