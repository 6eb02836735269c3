import worker from "../../src/index.ts";
import { buildTenant, nameTenant, type TenantRange } from "./tenant.ts";

export { Database, ExportJobs, ExportWorkflow, ScratchDatabase } from "../../src/index.ts";

/** The Worker with one more route, which makes tenants. Only for the demo; never deployed. */
export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== "/demo/tenants") {
      return worker.fetch(request, env, context);
    }
    const { from, to, notes } = await request.json<TenantRange>();
    const names = Array.from({ length: to - from }, (_, n) => nameTenant(from + n));
    await Promise.all(
      names.map((name) =>
        env.DATABASE_DURABLE_OBJECT.getByName(name).executeTransaction(
          buildTenant(name, notes),
          true,
        ),
      ),
    );
    return Response.json({ names });
  },
};
