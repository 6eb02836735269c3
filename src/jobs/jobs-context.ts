import type { ExportEnv } from "../config/bindings.ts";

/** What the functions of `ExportJobs` work with: the object's storage, and the Worker's bindings. */
export interface JobsContext {
  storage: DurableObjectStorage;
  sql: SqlStorage;
  env: ExportEnv;
}
