import type { ExportEnv } from "../src/config/bindings.ts";
import { getSourceConfig, readSettings } from "../src/config/settings.ts";
import worker, { ExportWorkflow as DeployedWorkflow } from "../src/index.ts";
import { MIB } from "../src/api/limits.ts";
import type { JobRequest } from "../src/api/export-request.ts";
import { CURSOR_START } from "../src/rpc/cursor.ts";
import { openSource } from "../src/databases/open-source.ts";
import { readDump } from "../src/reading/dump-reader.ts";
import { openLiveReader } from "../src/reading/table-reader.ts";
import { planDump } from "../src/formats/plan-dump.ts";
import { readScript } from "../src/loading/read-script.ts";
import { readCatalog } from "../src/reading/read-catalog.ts";

import { delayedEnv, setDistance } from "./delayed-env.ts";
import { dumpLikeStarbase } from "./starbasedb-dump.ts";
import { writeRows } from "./write-rows.ts";

export { Database, ExportJobs, ScratchDatabase } from "../src/index.ts";

/** Runs jobs as deployed, at the distance that `/bench/delay` has set. */
export class ExportWorkflow extends DeployedWorkflow {
  constructor(context: ExecutionContext, env: ExportEnv) {
    super(context, delayedEnv(env));
  }
}

type BenchEnv = Env & ExportEnv & { BENCH_DB: D1Database };

/**
 * The Worker under measurement. Two routes measure its lower bound (the pages of a dump without any
 * store, and a multipart upload without any pages; both answer when they are done). One route
 * writes rows of a D1 database and reports how long each write took. One sets how far the database and
 * the bucket are from later jobs. One dumps the database as StarbaseDB does.
 */
export default {
  async fetch(request: Request, env: BenchEnv, context: ExecutionContext) {
    const url = new URL(request.url);
    if (url.pathname === "/bench/encode") return Response.json(await encode(env));
    if (url.pathname === "/bench/write") {
      const run = async (sql: string): Promise<unknown> => env.BENCH_DB.prepare(sql).run();
      return Response.json(await writeRows(run, url.searchParams));
    }
    if (url.pathname === "/bench/upload") {
      return Response.json(await upload(env, Number(url.searchParams.get("bytes"))));
    }
    if (url.pathname === "/bench/starbasedb-dump") {
      const object = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
      try {
        return Response.json(await dumpLikeStarbase(object));
      } catch (error) {
        return Response.json({ error: String(error) }, { status: 500 });
      }
    }
    if (url.pathname === "/bench/delay") {
      const value = (name: string): number => Number(url.searchParams.get(name));
      setDistance({ delayMs: value("ms"), pagesAhead: value("pages") });
      return Response.json({});
    }
    if (url.pathname === "/bench/read") {
      const bucket = env.EXPORT_R2_BUCKET;
      return Response.json(await readTwice(bucket, url.searchParams.get("name") ?? ""));
    }
    if (url.pathname === "/bench/put") {
      await env.EXPORT_R2_BUCKET?.put(url.searchParams.get("key") ?? "", request.body);
      return Response.json({});
    }
    return worker.fetch(request, env, context);
  },
};

/** Every page of the dump, read and thrown away. */
async function encode(env: ExportEnv): Promise<{ bytes: number; rows: number; rowsRead: number }> {
  const config = getSourceConfig(readSettings(env), "main");
  const source = openSource(env, config, { name: "sql-durable-object" });
  const request = { source: "main", format: "sql", content: "all" } as JobRequest;
  const { plan, createEncoder } = planDump(request, await readCatalog(source));
  const total = { bytes: 0, rows: 0, rowsRead: 0 };
  const pieces = readDump({
    reader: openLiveReader(source),
    plan,
    createEncoder,
    cursor: CURSOR_START,
  });
  for await (const piece of pieces) {
    for (const bytes of piece.bytes) total.bytes += bytes.byteLength;
    total.rows += piece.rows;
    total.rowsRead += piece.rowsRead;
  }
  return total;
}

/** Reads the object whose key contains `name` twice, as a restore reads its script, and throws it away. */
async function readTwice(bucket: R2Bucket, name: string): Promise<{ seconds: number }> {
  const { objects } = await bucket.list();
  const object = objects.find(({ key }) => key.includes(name));
  if (object === undefined) throw new Error(`no object's key contains ${name}`);
  const file = { bytes: object.size, compression: "none" as const, frames: null };
  const read = async (range: R2Range) => (await bucket.get(object.key, { range }))?.body;
  const startMs = performance.now();
  for (let pass = 1; pass <= 2; pass += 1) {
    for await (const _ of readScript(read, file, { from: 0 }));
  }
  return { seconds: (performance.now() - startMs) / 1_000 };
}

const PART_BYTES = 8 * MIB;
const IN_FLIGHT_MAX = 2;

/** Uploads this many bytes as one object, in parts of an export's size, two in flight at a time. */
async function upload(env: ExportEnv, bytes: number): Promise<{ bytes: number; parts: number }> {
  const bucket = env.EXPORT_R2_BUCKET;
  if (bucket === undefined) throw new Error("the bench needs a bucket");
  const key = `bench/${crypto.randomUUID()}`;
  const multipart = await bucket.createMultipartUpload(key);
  const parts: R2UploadedPart[] = [];
  const inFlight = new Set<Promise<void>>();
  for (let offset = 0, number = 1; offset < bytes; offset += PART_BYTES, number += 1) {
    const part = new Uint8Array(Math.min(PART_BYTES, bytes - offset)).fill(number);
    const sent = multipart.uploadPart(number, part).then((uploaded) => void parts.push(uploaded));
    inFlight.add(sent);
    void sent.finally(() => inFlight.delete(sent));
    if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  await multipart.complete(parts.sort((a, b) => a.partNumber - b.partNumber));
  await bucket.delete(key);
  return { bytes, parts: parts.length };
}
