import { DurableObject } from "cloudflare:workers";
import { type ExportEnv, withExport } from "durable-export";
import { createApp } from "durable-export/hono";
import { Hono } from "hono";

export { ExportJobs, ExportWorkflow, ScratchDatabase } from "durable-export";

interface Env extends ExportEnv {
  TENANT: DurableObjectNamespace<Tenant>;
}

/** Each tenant has one object, and so one database. */
export class Tenant extends withExport(DurableObject<Env>) {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    );
  }

  addNote(text: string): number {
    const sql = "INSERT INTO notes(text) VALUES (?) RETURNING id";
    return this.ctx.storage.sql.exec<{ id: number }>(sql, text).one().id;
  }
}

const app = new Hono<{ Bindings: Env }>();

app.post("/tenants/:tenant/notes", async (context) => {
  const tenant = context.env.TENANT.getByName(context.req.param("tenant"));
  return context.json({ id: await tenant.addNote(await context.req.text()) }, 201);
});

// POST /backup/export/dump {"name":"acme"} exports one tenant among thousands. The routes under /backup check the
// token themselves.
app.mount("/backup", createApp().fetch);

export default app;
