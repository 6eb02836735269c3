import { env } from "cloudflare:workers";

import { planDump } from "../../src/formats/plan-dump.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import type { Compression, ExportFormat } from "../../src/api/export-request.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { openLiveReader } from "../../src/reading/table-reader.ts";

/**
 * Returns a format's files as one pass over the pages creates them, without job, parts and store.
 */
export async function directFiles(
  format: ExportFormat,
  compression: Compression = "none",
): Promise<Map<string, Uint8Array>> {
  const stub = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
  const source = durableObjectSource(() => stub);
  const request = { source: "main", format, compression, content: "all" } as const;
  const { plan, createEncoder } = planDump(request, await readCatalog(source));
  const pieces = new Map<string, Uint8Array[]>(plan.artifacts.map(({ name }) => [name, []]));
  const reader = openLiveReader(source);
  for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
    // The next page may reuse the memory of a page's bytes.
    pieces.get(plan.artifacts[piece.artifact]?.name ?? "")?.push(concatBytes(piece.bytes));
  }
  return new Map([...pieces].map(([name, each]) => [name, concatBytes(each)]));
}
