import type { Database } from "../src/index.ts";
import { writeRows } from "./write-rows.ts";

export { Database } from "../src/index.ts";

/** A database in a process of its own, and a writer beside it, as both are if deployed. */
export default {
  async fetch(
    request: Request,
    env: { DATABASE_DURABLE_OBJECT: DurableObjectNamespace<Database> },
  ): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/health") return new Response();
    const database = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
    const run = async (sql: string): Promise<unknown> => database.executeQuery({ sql, params: [] });
    return Response.json(await writeRows(run, url.searchParams));
  },
};
