import type { DumpPlan } from "../../formats/plan.ts";
import type { Cursor } from "../../rpc/cursor.ts";

/** How far an export's committed checkpoint is in the tables of its plan. */
export interface CommittedPosition {
  /** Number of the checkpoint; never decreases. */
  checkpoint: number;
  /** Names of the tables whose rows are all committed. */
  finished: ReadonlySet<string>;
  /** The table at the cursor, and the last committed key in it. */
  current: { table: string; after: Cursor["after"] } | undefined;
}

export function toCommittedPosition(
  plan: DumpPlan,
  cursor: Cursor,
  checkpoint: number,
): CommittedPosition {
  const finished = new Set<string>();
  for (const [artifact, { segments }] of plan.artifacts.entries()) {
    for (const [segment, each] of segments.entries()) {
      const isBefore =
        artifact < cursor.artifact || (artifact === cursor.artifact && segment < cursor.segment);
      if (isBefore && each.kind === "rows") finished.add(each.table);
    }
  }
  const at = plan.artifacts[cursor.artifact]?.segments[cursor.segment];
  const current = at?.kind === "rows" ? { table: at.table, after: cursor.after } : undefined;
  return { checkpoint, finished, current };
}
