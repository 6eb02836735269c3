import { COMPRESSIONS } from "../../api/compressions.ts";
import { ExportError } from "../../api/errors.ts";
import { getSourceConfig } from "../../config/settings.ts";
import { findDatabase, sourceObjectOf } from "../../databases/open-source.ts";
import { assert } from "../../lib/assert.ts";
import type { BatchAttempt, BatchCommit, RunningFleet } from "../../rpc/fleet-jobs.ts";
import { toPackKeys } from "../../rpc/object-key.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { WrittenPack } from "../../storage/packs/pack-writer.ts";
import { readStoredMembers } from "../../storage/packs/stored-members.ts";
import { writePackIndex } from "../../storage/packs/write-index.ts";
import type { DatabaseName, RunContext } from "../engine/run-context.ts";
import { type BackedUpBatch, backUpBatch } from "./back-up-batch.ts";

/** What a step "back up members <n>" reports to the dashboard. */
export interface BatchReport {
  /** How many members are done, in all batches. */
  next: number;
  packed: number;
  empty: number;
  failed: number;
  isDone: boolean;
}

/** The type of a pack that is not compressed: scripts, one after the other. */
const SCRIPT_TYPE = "application/sql";

/**
 * Backs up the members of batch `number` into one pack. Nothing counts before the commit: an attempt that is repeated
 * has its own keys, and what the former one stored is discarded. A batch that is committed is not repeated.
 */
export async function batchStep(context: RunContext, number: number): Promise<BatchReport> {
  const { jobs, runId, store } = context;
  const fleet = unwrap(await jobs.beginFleetRun(runId));
  const { list, next, batches } = fleet.state;
  assert(list !== null, "the members are listed before the first batch");
  if (batches >= number || next >= list.total) return report(fleet);
  const batch = { number, attempt: crypto.randomUUID().slice(0, 8) };
  const { restoring, sinceMs } = unwrap(await jobs.beginBatch(runId, batch));
  const { members, namedBy } = await readStoredMembers(store, list.key);
  const find = (member: string): { database: DatabaseName; key: string } => {
    const database = nameDatabase(fleet, namedBy, member);
    return { database, key: findKey(context, database) };
  };
  const keys = findKeys(fleet, batch);
  const done = await backUpBatch({
    members,
    from: next,
    request: fleet.request,
    oneTurnBytes: context.config.oneTurnBytes,
    openMember: (member) => {
      const { database, key } = find(member);
      if (restoring.includes(key)) {
        throw new ExportError("restore-already-running", "the database is being restored");
      }
      return context.openSource(database, false);
    },
    place: {
      store,
      key: keys.pack,
      contentType: COMPRESSIONS[fleet.request.compression].contentType ?? SCRIPT_TYPE,
      partBytes: fleet.partBytes,
      recordUpload: async ({ uploadId }) => {
        unwrap(await jobs.recordPackUpload(runId, batch, uploadId));
      },
    },
    beat: context.beat,
  });
  const pack =
    done.pack === null
      ? null
      : await storeIndex(context, fleet, { keys, namedBy, done: done.pack });
  const restored = await jobs.restoredSince(sinceMs);
  const before = new Set(restoring);
  const late = restored.filter((key) => !before.has(key));
  requireUnrestored(late, members.slice(next, done.next), (member) => find(member).key);
  return report(unwrap(await jobs.commitBatch(runId, toCommit(batch, done, pack))));
}

/** Errors: `restore-already-running` if the restore of a member began while the batch was read. */
function requireUnrestored(
  restored: readonly string[],
  members: readonly string[],
  findMemberKey: (member: string) => string,
): void {
  if (restored.length === 0) return;
  const keys = new Set(restored);
  const member = members.find((each) => {
    try {
      return keys.has(findMemberKey(each));
    } catch {
      // A member that cannot be found has failed, and is not in the pack.
      return false;
    }
  });
  if (member === undefined) return;
  throw new ExportError(
    "restore-already-running",
    `a restore of ${JSON.stringify(member)} began while its batch was read`,
  );
}

/** Stores the index of a pack, and returns what the fleet records of both. */
async function storeIndex(
  { store }: RunContext,
  { jobId: fleetId, request }: RunningFleet,
  { keys, namedBy, done }: { keys: { index: string }; namedBy: "name" | "id"; done: WrittenPack },
): Promise<BatchCommit["pack"]> {
  const { members } = done;
  const { source, compression } = request;
  const index = await writePackIndex(store, keys.index, done, {
    fleetId,
    source,
    namedBy,
    contentType: COMPRESSIONS[compression].contentType ?? SCRIPT_TYPE,
  });
  return {
    members: members.length,
    rows: members.reduce((sum, { rows }) => sum + rows, 0),
    bytes: done.bytes,
    sha256: done.sha256,
    indexBytes: index.bytes,
    indexSha256: index.sha256,
    first: members[0]?.member ?? "",
    last: members.at(-1)?.member ?? "",
    r2ClassAOperations: done.r2ClassAOperations + store.billedOperations.write,
  };
}

/** A member that is being restored gets an export job, which waits for the restore. */
function toCommit(
  batch: BatchAttempt,
  done: BackedUpBatch,
  pack: BatchCommit["pack"],
): BatchCommit {
  const isLocked = ({ code }: { code: string }): boolean => code === "restore-already-running";
  const locked = done.failures.filter(isLocked).map(({ member }) => member);
  return {
    ...batch,
    next: done.next,
    pack,
    empty: done.empty,
    large: [...done.large, ...locked],
    failures: done.failures.filter((failure) => !isLocked(failure)),
    warnings: done.warnings,
    rowsRead: done.rowsRead,
  };
}

/** Returns a member's database as a request would name it. */
export function nameDatabase(
  { request: { source } }: RunningFleet,
  namedBy: "name" | "id",
  member: string,
): DatabaseName {
  return namedBy === "id" ? { source, id: member } : { source, name: member };
}

/** Returns the key of a database's lock. Errors: as `findDatabase`. */
export function findKey({ env, config }: RunContext, database: DatabaseName): string {
  const source = getSourceConfig(config, database.source);
  return findDatabase(env, source, sourceObjectOf(source, database)).key;
}

function findKeys(
  { folder, request }: RunningFleet,
  batch: BatchAttempt,
): { pack: string; index: string } {
  const suffix = `.sql${COMPRESSIONS[request.compression].suffix}`;
  return toPackKeys({ folder, suffix, ...batch });
}

function report({ state }: RunningFleet): BatchReport {
  const { next, packed, empty, failed, list } = state;
  return { next, packed, empty, failed, isDone: next >= (list?.total ?? 0) };
}
