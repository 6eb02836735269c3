import type { ExportEnv } from "../../config/bindings.ts";
import { toCodedError } from "../../rpc/coded-error.ts";
import type { JobsContext } from "../jobs-context.ts";
import { migrate } from "../migrate.ts";
import { DurableObject } from "cloudflare:workers";

/**
 * What every part of the jobs object has: its context. The fields are an object's own, which cannot be reached over
 * RPC.
 */
export abstract class JobsBase extends DurableObject<ExportEnv> {
  protected readonly jobs: JobsContext;

  constructor(ctx: DurableObjectState, env: ExportEnv) {
    super(ctx, env);
    try {
      migrate(ctx.storage);
    } catch (error) {
      throw toCodedError(error);
    }
    this.jobs = { storage: ctx.storage, sql: ctx.storage.sql, env };
  }
}
