import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { MIB } from "../../src/api/limits.ts";
import { download, ended, fillNoise, query, sha256Of, startExport } from "../support/api.ts";

const HEADERS = { authorization: "Bearer test-admin-token-0123456789" };

/** A bucket that counts the bytes which it was asked for. */
function countingBucket(asked: { bytes: number; requests: number }): R2Bucket {
  return new Proxy(env.EXPORT_R2_BUCKET, {
    get: (bucket, name) => {
      if (name !== "get") return Reflect.get(bucket, name).bind(bucket);
      return async (key: string, options?: R2GetOptions) => {
        const object = await bucket.get(key, options);
        const { length } = (options?.range ?? {}) as { length?: number };
        if (key.endsWith("manifest.json")) return object;
        asked.bytes += length ?? object?.size ?? 0;
        asked.requests += 1;
        return object;
      };
    },
  });
}

let single: string;
let several: string;

beforeAll(async () => {
  await fillNoise({ rows: 300, rowBytes: 50_000 });
  await query("CREATE TABLE u(a)");
  single = (await ended((await startExport()).jobId)).jobId;
  several = (await ended((await startExport({ format: "csv" })).jobId)).jobId;
});

describe.each([
  ["a file", () => single],
  ["a ZIP", () => several],
])("a client of %s", (_what, jobIdFor) => {
  async function start(headers: Record<string, string> = {}) {
    const asked = { bytes: 0, requests: 0 };
    const response = await createApp().request(
      `https://export.example.com/export/dump/${jobIdFor()}/download`,
      { headers: { ...HEADERS, ...headers } },
      { ...env, EXPORT_R2_BUCKET: countingBucket(asked) },
    );
    return { response, asked };
  }

  test("that stalls makes the Worker read a few MiB and no more", async () => {
    const { response, asked } = await start();
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    let taken = 0;
    while (taken < 100_000) taken += (await reader.read()).value?.byteLength ?? 0;
    await scheduler.wait(500);
    expect(asked.bytes).toBeLessThanOrEqual(3 * MIB);
    await reader.cancel();
    await scheduler.wait(100);
    expect(asked.bytes).toBeLessThanOrEqual(3 * MIB);
  });

  test("that takes everything gets the same bytes by few requests", async () => {
    const { response, asked } = await start();
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.byteLength).toBeGreaterThan(30_000_000);
    expect(await sha256Of(bytes)).toBe(await sha256Of(await download(jobIdFor())));
    expect(asked.requests).toBeLessThanOrEqual(9);
  });

  test("that asks for a range gets it, and no more is read than that", async () => {
    const { response, asked } = await start({ range: "bytes=1000000-1009999" });
    expect(response.status).toBe(206);
    expect((await response.arrayBuffer()).byteLength).toBe(10_000);
    expect(asked).toEqual({ bytes: 10_000, requests: 1 });
  });
});
