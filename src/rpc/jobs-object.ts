import type { CopyJobs } from "./copy-jobs.ts";
import type { FleetJobs } from "./fleet-jobs.ts";
import type { HttpJobs } from "./http-jobs.ts";
import type { InlineObjects } from "./inline-objects.ts";
import type { ProofJobs } from "./proof-jobs.ts";
import type { RestoreJobs } from "./restore-jobs.ts";
import type { RunJobs } from "./run-jobs.ts";
import type { SealJobs } from "./seal-jobs.ts";
import type { StreamJobs } from "./stream-jobs.ts";
import type { UploadJobs } from "./upload-jobs.ts";

/** The one object that holds a deployment's jobs, as code outside `jobs/` sees it. */
export type JobsObject = CopyJobs &
  FleetJobs &
  HttpJobs &
  ProofJobs &
  RestoreJobs &
  RunJobs &
  SealJobs &
  StreamJobs &
  UploadJobs &
  InlineObjects &
  Rpc.DurableObjectBranded;
