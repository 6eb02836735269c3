import type { FleetView } from "../../src/api/fleet-view.ts";
import type { SourceList } from "../../src/api/source-list.ts";
import { formatNumberOf } from "../format/units.ts";
import { compareWatched, findFacts, judge, type Watched } from "./databases.ts";

/** A fleet with the id that other jobs have. */
export type Fleet = FleetView & { jobId: string };

export function toFleet(view: FleetView): Fleet {
  return { ...view, jobId: view.fleetId };
}

/** The fleets of a source, and what the loaded ones report. */
export interface FleetState extends Watched {
  /** The newest fleet whose files exist. */
  backup: Fleet | null;
  /** The newest fleet that has ended. */
  ended: Fleet | null;
  running: Fleet | null;
  /** All fleets, newest first. */
  fleets: Fleet[];
}

/** Returns the sources that are backed up as fleets, worst first and then by name. `fleets` are newest first. */
export function listFleetStates(
  sources: SourceList["sources"],
  fleets: readonly Fleet[],
  nowMs: number,
): FleetState[] {
  const bySource = new Map<string, Fleet[]>();
  for (const fleet of fleets) {
    bySource.set(fleet.source, [...(bySource.get(fleet.source) ?? []), fleet]);
  }
  return [...bySource]
    .map(([source, same]) => describe(source, same, sources, nowMs))
    .sort(compareWatched);
}

function describe(
  source: string,
  fleets: Fleet[],
  sources: SourceList["sources"],
  nowMs: number,
): FleetState {
  const { completed, ...facts } = findFacts(fleets, nowMs);
  const config = sources.find(({ name }) => name === source);
  const verdict = judge({ completed, ...facts }, config, nowMs);
  const failed = facts.backup?.members.failed ?? 0;
  const isPartial = verdict.health === "ok" && failed > 0;
  return {
    key: `fleet ${source}`,
    source,
    label: `all of ${source}`,
    fleets,
    ...facts,
    ...verdict,
    ...(isPartial && {
      health: "failing",
      trouble: {
        what: `The newest fleet could not back up ${formatNumberOf(failed, "object")} of ${facts.backup?.members.total ?? 0}.`,
        advice:
          "Open the fleet: it lists the reason of each. Correct them and start another fleet.",
      },
    }),
  };
}
