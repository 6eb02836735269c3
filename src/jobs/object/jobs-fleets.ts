import type { FleetView } from "../../api/fleet-view.ts";
import type {
  BatchAttempt,
  BatchCommit,
  BegunBatch,
  ChangedFleetView,
  FailedMember,
  FleetExports,
  FleetInfo,
  FleetJobs,
  FleetLedger,
  MemberListRecord,
  MemberRecords,
  NewFleet,
  RunningFleet,
} from "../../rpc/fleet-jobs.ts";
import type { JobPageQuery, NewJob } from "../../rpc/http-jobs.ts";
import { type Outcome, outcomeOf } from "../../rpc/outcome.ts";
import type { RunId, RunStart } from "../../rpc/run-payload.ts";
import {
  beginBatch,
  beginFleetRun,
  beginList,
  commitBatch,
  commitList,
  recordPackUpload,
} from "../commands/commit-fleet.ts";
import { completeFleet } from "../commands/complete-fleet.ts";
import { createFleet } from "../commands/create-fleet.ts";
import { holdFiles } from "../commands/hold-files.ts";
import { failMemberExport, settleExports, startMemberExport } from "../commands/member-exports.ts";
import { removeFleet } from "../commands/remove-fleet.ts";
import { listRestoredKeys } from "../tables/job-fleet-columns.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import {
  findChangedFleetView,
  getFleetInfo,
  getFleetPage,
  getFleetView,
  getMemberRecords,
} from "../views/fleet-view.ts";
import { getFleetLedger } from "../views/running-fleet.ts";
import { JobsSeals } from "./jobs-seals.ts";

/** The part of the jobs object that records fleets. */
export abstract class JobsFleets extends JobsSeals implements FleetJobs {
  createFleet(fleet: NewFleet): Promise<Outcome<{ view: FleetView; replayed: boolean }>> {
    return outcomeOf(() => createFleet(this.jobs, fleet));
  }

  fleetView(fleetId: string): Promise<Outcome<FleetView>> {
    return outcomeOf(() => getFleetView(this.jobs.sql, fleetId));
  }

  fleetViewIfChanged(fleetId: string, version: string): Promise<Outcome<ChangedFleetView>> {
    return outcomeOf(() => findChangedFleetView(this.jobs.sql, fleetId, version));
  }

  listFleets(query: JobPageQuery): ReturnType<FleetJobs["listFleets"]> {
    return getFleetPage(this.jobs.sql, query);
  }

  removeFleet(
    fleetId: string,
    options: { mayDelete: boolean },
  ): Promise<Outcome<FleetView | null>> {
    return outcomeOf(() => removeFleet(this.jobs, fleetId, options));
  }

  fleetInfo(fleetId: string, { reads } = { reads: false }): Promise<Outcome<FleetInfo>> {
    return outcomeOf(() => {
      if (reads) holdFiles(this.jobs.sql, fleetId, Date.now());
      return getFleetInfo(this.jobs.sql, fleetId);
    });
  }

  memberRecords(
    fleetId: string,
    range: { first: string; last: string; limit: number },
  ): Promise<Outcome<MemberRecords>> {
    return outcomeOf(() => getMemberRecords(this.jobs.sql, fleetId, range));
  }

  beginFleetRun(run: RunStart): Promise<Outcome<RunningFleet>> {
    return outcomeOf(() => beginFleetRun(this.jobs, run));
  }

  beginList(run: RunId, attempt: string): Promise<Outcome<null>> {
    return outcomeOf(() => beginList(this.jobs, run, attempt));
  }

  commitList(
    run: RunId,
    list: MemberListRecord & { warnings: string[]; r2ClassAOperations: number },
  ): Promise<Outcome<RunningFleet>> {
    return outcomeOf(() => commitList(this.jobs, run, list));
  }

  beginBatch(run: RunId, batch: BatchAttempt): Promise<Outcome<BegunBatch>> {
    return outcomeOf(() => beginBatch(this.jobs, run, batch));
  }

  recordPackUpload(run: RunId, batch: BatchAttempt, uploadId: string): Promise<Outcome<null>> {
    return outcomeOf(() => recordPackUpload(this.jobs, run, { ...batch, uploadId }));
  }

  restoredSince(sinceMs: number): string[] {
    return listRestoredKeys(this.jobs.sql, sinceMs);
  }

  commitBatch(run: RunId, batch: BatchCommit): Promise<Outcome<RunningFleet>> {
    return outcomeOf(() => commitBatch(this.jobs, run, batch));
  }

  settleExports(run: RunId, limit: number): Promise<Outcome<FleetExports>> {
    return outcomeOf(() => settleExports(this.jobs, run, limit));
  }

  startMemberExport(run: RunId, member: string, job: NewJob): Promise<Outcome<null>> {
    return outcomeOf(() => startMemberExport(this.jobs, run, { member, job }));
  }

  failMemberExport(run: RunId, failed: FailedMember): Promise<Outcome<null>> {
    return outcomeOf(() => failMemberExport(this.jobs, run, failed));
  }

  fleetLedger(run: RunId): Promise<Outcome<FleetLedger>> {
    return outcomeOf(() =>
      getFleetLedger(this.jobs.sql, this.jobs.env, getJobOfRun(this.jobs.sql, run)),
    );
  }

  completeFleet(run: RunId): Promise<Outcome<FleetView>> {
    return outcomeOf(() => completeFleet(this.jobs, run));
  }
}
