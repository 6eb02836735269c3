import { quoteIdentifier as q } from "../../dump/identifier.ts";
import { SNAPSHOT_PREFIX } from "../../dump/own-objects.ts";
import type { Source } from "../source.ts";
import { prefixOf, SnapshotNames, startsWithSql, stateNameOf } from "./names.ts";

/** A snapshot's objects as found in a source. */
interface FoundSnapshot {
  prefix: string;
  triggers: string[];
  tables: string[];
}

/**
 * Removes everything that a snapshot has in its source, whatever became of its opening. May be
 * called again, and late: other snapshots keep theirs.
 */
export async function closeSnapshot(source: Source, snapshotId: string): Promise<void> {
  const { prefix } = new SnapshotNames(snapshotId);
  await removeObjects(source, (found) => found.prefix === prefix);
}

/** A snapshot that somebody else has left or holds. */
export interface OtherSnapshot {
  snapshotId: string;
  jobId: string;
  /** True where its lease lets its triggers still work. */
  hasLease: boolean;
}

/**
 * Removes the snapshots of a source for which `isLeftover` is true, and those that were never
 * finished opening. Gives the others.
 */
export async function sweepSnapshots(
  source: Source,
  isLeftover: (snapshot: OtherSnapshot) => boolean | Promise<boolean>,
): Promise<OtherSnapshot[]> {
  const kept: OtherSnapshot[] = [];
  const dead = new Set<string>();
  for (const found of await findSnapshots(source)) {
    const state = await readState(source, found);
    if (state !== undefined && !(await isLeftover(state))) kept.push(state);
    else dead.add(found.prefix);
  }
  if (dead.size > 0) await removeObjects(source, (found) => dead.has(found.prefix));
  return kept;
}

async function readState(source: Source, found: FoundSnapshot): Promise<OtherSnapshot | undefined> {
  const name = stateNameOf(found.prefix);
  if (!found.tables.includes(name)) return undefined;
  const { rows } = await source.query({
    sql: `SELECT snapshot_id, job_id, lease_until > unixepoch() FROM ${q(name)}`,
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return { snapshotId: String(row[0]), jobId: String(row[1]), hasLease: row[2] === 1 };
}

async function findSnapshots(source: Source): Promise<FoundSnapshot[]> {
  const { rows } = await source.query({
    sql:
      `SELECT type, name FROM sqlite_master WHERE type IN ('table', 'trigger') ` +
      `AND ${startsWithSql("name", `${SNAPSHOT_PREFIX}_`)} ORDER BY rowid DESC`,
  });
  const snapshots = new Map<string, FoundSnapshot>();
  for (const [type, name] of rows) {
    const prefix = prefixOf(String(name));
    if (prefix === undefined) continue;
    const found = snapshots.get(prefix) ?? { prefix, triggers: [], tables: [] };
    (type === "trigger" ? found.triggers : found.tables).push(String(name));
    snapshots.set(prefix, found);
  }
  return [...snapshots.values()];
}

/**
 * Triggers first: with their tables gone every write of the customer's would fail. What was made last
 * goes first, so that what is left works whatever is dropped, where a source does not roll back.
 */
async function removeObjects(
  source: Source,
  isChosen: (found: FoundSnapshot) => boolean,
): Promise<void> {
  const chosen = (await findSnapshots(source)).filter(isChosen);
  const statements = [
    ...chosen.flatMap(({ triggers }) =>
      triggers.map((name) => `DROP TRIGGER IF EXISTS ${q(name)}`),
    ),
    ...chosen.flatMap(({ tables }) => tables.map((name) => `DROP TABLE IF EXISTS ${q(name)}`)),
  ];
  if (statements.length > 0) await source.transaction(statements.map((sql) => ({ sql })));
}
