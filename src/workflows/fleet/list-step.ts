import { toMemberListKey } from "../../rpc/object-key.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { writeMembers } from "../../storage/packs/stored-members.ts";
import type { RunContext } from "../engine/run-context.ts";
import { readMembers } from "./read-members.ts";

/** What the step "list members" reports to the dashboard. */
export interface ListedMembers {
  members: number;
  /** How many batches an earlier run has committed. */
  batches: number;
}

/**
 * Reads the fleet's names and stores them in order. Repeating it keeps the first list that was recorded. Errors: those
 * of `readMembers` and of the store.
 */
export async function listStep(context: RunContext): Promise<ListedMembers> {
  const { jobs, runId, store, env } = context;
  const fleet = unwrap(await jobs.beginFleetRun(runId));
  const { list: known, batches } = fleet.state;
  if (known !== null) return { members: known.total, batches };
  const { namedBy, members, duplicates } = await readMembers(fleet.request.names, {
    store,
    openSource: (source) => context.openSource({ source }, false),
    apiToken: env.CLOUDFLARE_API_TOKEN,
  });
  const attempt = crypto.randomUUID().slice(0, 8);
  unwrap(await jobs.beginList(runId, attempt));
  const key = toMemberListKey({ folder: fleet.folder, attempt });
  await writeMembers(store, key, { namedBy, members });
  const warnings =
    duplicates === 0
      ? []
      : [`the registry repeats names (${duplicates}): each object is backed up once`];
  const r2ClassAOperations = store.billedOperations.write;
  const listed = unwrap(
    await jobs.commitList(runId, {
      key,
      namedBy,
      total: members.length,
      warnings,
      r2ClassAOperations,
    }),
  );
  return { members: listed.state.list?.total ?? 0, batches: listed.state.batches };
}
