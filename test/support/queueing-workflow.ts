import type { RunPayload } from "../../src/rpc/run-payload.ts";

/** States in which an instance occupies no slot. */
const ENDED: ReadonlySet<string> = new Set(["errored", "terminated", "complete"]);

/**
 * A Workflow that enforces `concurrency.limit`, which the local runtime does not do: instances
 * beyond it report `queued` and start in order as others end. The queue is a table in `storage`, so
 * it survives whatever the object survives. Call `startQueued` from time to time.
 */
export function queueingWorkflow(
  real: Workflow<RunPayload>,
  storage: DurableObjectStorage,
  limit: number,
): Workflow<RunPayload> & { startQueued: () => Promise<void> } {
  const { sql } = storage;
  sql.exec(
    `CREATE TABLE IF NOT EXISTS queued_instances
       (n INTEGER PRIMARY KEY, id TEXT UNIQUE, params TEXT, state TEXT NOT NULL)`,
  );
  const stateOf = (id: string): string | undefined =>
    sql.exec<{ state: string }>("SELECT state FROM queued_instances WHERE id = ?", id).toArray()[0]
      ?.state;
  const move = (id: string, state: string): void => {
    sql.exec("UPDATE queued_instances SET state = ? WHERE id = ?", state, id);
  };
  const startQueued = async (): Promise<void> => {
    let running = 0;
    for (const { id } of sql
      .exec<{ id: string }>("SELECT id FROM queued_instances WHERE state = 'started'")
      .toArray()) {
      const { status } = await real
        .get(id)
        .then((instance) => instance.status())
        .catch(() => ({ status: "terminated" }));
      if (ENDED.has(status)) move(id, "ended");
      else running += 1;
    }
    const next = sql
      .exec<{ id: string; params: string }>(
        "SELECT id, params FROM queued_instances WHERE state = 'queued' ORDER BY n LIMIT ?",
        Math.max(0, limit - running),
      )
      .toArray();
    for (const { id, params } of next) {
      move(id, "started");
      await real
        .create({ id, params: JSON.parse(params) as RunPayload })
        .catch((cause: unknown) => {
          if (!String(cause).includes("already_exists")) move(id, "queued");
        });
    }
  };
  const queued = (id: string): WorkflowInstance =>
    ({
      id,
      status: () => Promise.resolve({ status: stateOf(id) === "queued" ? "queued" : "terminated" }),
      sendEvent: () => Promise.resolve(),
      terminate: () => Promise.resolve(move(id, "terminated")),
    }) as unknown as WorkflowInstance;
  return {
    create: async (options) => {
      const id = options?.id ?? crypto.randomUUID();
      if (stateOf(id) !== undefined) throw new Error("instance.already_exists");
      sql.exec(
        "INSERT INTO queued_instances (id, params, state) VALUES (?, ?, 'queued')",
        id,
        JSON.stringify(options?.params ?? {}),
      );
      await startQueued();
      return queued(id);
    },
    get: async (id) => {
      const state = stateOf(id);
      if (state === undefined) throw new Error("instance.not_found");
      return state === "queued" || state === "terminated" ? queued(id) : real.get(id);
    },
    startQueued,
  } as Workflow<RunPayload> & { startQueued: () => Promise<void> };
}
