import { type DatabaseState, needsAttention, takenAtMs } from "./databases.ts";
import type { FleetState } from "./fleets.ts";

type Item = DatabaseState | FleetState;

/** What the state of everything that is backed up is. */
export type Overall =
  /** Nothing was exported yet. */
  | { kind: "new" }
  /** `troubled` need a person, out of `watched`. */
  | { kind: "troubled"; troubled: Item[]; watched: number }
  /** Nothing is wrong, and some first backups are still being made. */
  | { kind: "waiting"; waiting: Item[]; watched: number }
  /** All have a backup; `oldestMs` is when the oldest was taken. */
  | { kind: "ok"; oldestMs: number | null; watched: number };

/** Returns the state of databases and fleets together. Restore targets that nobody exports do not count. */
export function judgeAll(
  databases: readonly DatabaseState[],
  fleets: readonly FleetState[] = [],
): Overall {
  const all: Item[] = [...fleets, ...databases].filter(({ health }) => health !== "target");
  const watched = all.length;
  const troubled = all.filter(({ health }) => needsAttention(health));
  const isNew = all.every((item) => "jobs" in item && item.jobs.length === 0);
  if (isNew && troubled.every(({ health }) => health === "missing")) return { kind: "new" };
  if (troubled.length > 0) return { kind: "troubled", troubled, watched };
  const waiting = all.filter(({ health }) => health === "waiting");
  if (waiting.length > 0) return { kind: "waiting", waiting, watched };
  const times = all.flatMap(({ backup }) => (backup === null ? [] : [takenAtMs(backup)]));
  return { kind: "ok", oldestMs: times.length === 0 ? null : Math.min(...times), watched };
}
