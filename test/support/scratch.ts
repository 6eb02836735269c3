import { env } from "cloudflare:workers";

import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import type { Source } from "../../src/databases/source.ts";

/** Opens the scratch database of a job. */
export function openScratch(jobId: string): Source {
  const { EXPORT_SCRATCH: namespace } = env as unknown as {
    EXPORT_SCRATCH: DurableObjectNamespace;
  };
  return durableObjectSource(() => namespace.getByName(jobId) as never);
}

/** Returns how many objects a job's scratch database contains: none before and after its proof. */
export async function countScratch(jobId: string): Promise<number> {
  const sql = "SELECT count(*) FROM sqlite_master WHERE substr(name, 1, 1) <> '_'";
  return Number((await openScratch(jobId).query({ sql })).rows[0]?.[0]);
}
