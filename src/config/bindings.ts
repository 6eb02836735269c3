import type { JobsObject } from "../rpc/jobs-object.ts";
import type { RunPayload } from "../rpc/run-payload.ts";
import type { ScratchObject } from "../rpc/scratch-object.ts";

/** The bindings and vars that this Worker reads. docs/deploy.md describes each. */
export interface ExportEnv {
  EXPORT_WORKFLOW: Workflow<RunPayload>;
  EXPORT_JOBS: DurableObjectNamespace<JobsObject>;
  EXPORT_R2_BUCKET?: R2Bucket;
  EXPORT_SCRATCH?: DurableObjectNamespace<ScratchObject>;
  DATABASE_DURABLE_OBJECT?: DurableObjectNamespace;
  ADMIN_AUTHORIZATION_TOKEN?: string;
  EXPORT_JOB_TOKEN?: string;
  EXPORT_READ_TOKEN?: string;
  EXPORT_RATE_LIMITER?: RateLimit;
  /** Lists the objects of a namespace for fleets. */
  CLOUDFLARE_API_TOKEN?: string;
}

/** Returns the one object that holds a deployment's jobs. */
export function getExportJobs(env: ExportEnv): DurableObjectStub<JobsObject> {
  return env.EXPORT_JOBS.getByName("jobs");
}
