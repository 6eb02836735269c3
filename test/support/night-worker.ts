import type { Database } from "../../src/databases/database.ts";
import type { ExportEnv } from "../../src/config/bindings.ts";
import * as deployed from "../../src/index.ts";
import { queueingWorkflow } from "./queueing-workflow.ts";

interface NightEnv extends ExportEnv {
  DATABASES: DurableObjectNamespace<Database>;
  CONCURRENCY_LIMIT: string;
}

/** The jobs of a deployment whose Workflow has a `concurrency.limit`. */
export class ExportJobs extends deployed.ExportJobs {
  readonly #workflow: ReturnType<typeof queueingWorkflow>;

  constructor(ctx: DurableObjectState, env: NightEnv) {
    const limit = Number(env.CONCURRENCY_LIMIT);
    const workflow = queueingWorkflow(env.EXPORT_WORKFLOW, ctx.storage, limit);
    super(ctx, { ...env, EXPORT_WORKFLOW: workflow });
    this.#workflow = workflow;
  }

  override async alarm(): Promise<void> {
    await this.#workflow.startQueued();
    await super.alarm();
  }
}

export { Database, ExportWorkflow, ScratchDatabase } from "../../src/index.ts";

/**
 * The deployed Worker, plus `POST /sql/<database>` for a test to fill and inspect its databases.
 */
export default {
  ...deployed.default,
  fetch: async (request: Request, env: NightEnv, context: ExecutionContext): Promise<Response> => {
    const [, name] = /^\/sql\/([^/]+)$/.exec(new URL(request.url).pathname) ?? [];
    if (name === undefined) return deployed.default.fetch(request, env, context);
    const sql = await request.text();
    return Response.json(await env.DATABASES.getByName(name).executeQuery({ sql }));
  },
};
