import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, expect, test } from "vitest";

import { ended, startExport } from "../support/api.ts";
import { listNames, requestRestore, restore } from "../support/restores.ts";

const { EXPORT_R2_BUCKET: bucket } = env as unknown as { EXPORT_R2_BUCKET: R2Bucket };

/** Works on an object's storage. */
function inObject<T>(name: string, work: (storage: DurableObjectStorage) => T): Promise<T> {
  const stub = env.DATABASE_DURABLE_OBJECT.getByName(name);
  return runInDurableObject(stub, (_, state) => work(state.storage));
}

function entriesOf(name: string): Promise<[string, unknown][]> {
  return inObject(name, ({ kv }) => [...kv.list()]);
}

let jobId: string;

beforeAll(async () => {
  await inObject("kv source", ({ kv, sql }) => {
    sql.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    kv.put("small", 1);
    kv.put("large", new Uint8Array(100_000).fill(3));
  });
  ({ jobId } = await startExport({ source: "tenants", name: "kv source" }));
  expect((await ended(jobId)).status).toBe("completed");
});

test("a restore into an object makes the same entries", async () => {
  const view = await restore({ from: { jobId }, target: "copies", name: "kv copy" });
  expect(view).toMatchObject({ status: "completed", verification: { state: "equal" } });
  expect(await entriesOf("kv copy")).toEqual(await entriesOf("kv source"));
});

test("a restore into D1 warns that entries are lost, and compares the rest", async () => {
  const view = await restore({ from: { jobId }, target: "shop" });
  expect(view).toMatchObject({
    status: "completed",
    error: null,
    verification: { method: "counts", state: "equal" },
  });
  expect(view.warnings.join("\n")).toContain("key-value storage are not restored");
});

test("a restore is refused for an object that has only entries", async () => {
  await inObject("kv filled", ({ kv }) => kv.put("mine", 1));
  const response = await requestRestore({ from: { jobId }, target: "copies", name: "kv filled" });
  expect(await response.json()).toMatchObject({ status: 409, code: "target-not-empty" });
  expect(await entriesOf("kv filled")).toEqual([["mine", 1]]);
});

test("a restore that replaces an object replaces its entries", async () => {
  await inObject("kv replaced", ({ kv }) => kv.put("mine", 1));
  const to = { target: "copies", name: "kv replaced", mode: "replace" };
  const view = await restore({ from: { jobId }, ...to });
  expect(view.error).toBe(null);
  expect(view).toMatchObject({ status: "completed", verification: { state: "equal" } });
  expect(await entriesOf("kv replaced")).toEqual(await entriesOf("kv source"));
});

test("a restore that fails gives the former entries back", async () => {
  await inObject("kv undone", ({ kv }) => kv.put("mine", new Uint8Array(80_000)));
  await bucket.put("bad.sql", "CREATE TABLE t(a);\nINSERT INTO nothing VALUES(1);");
  const to = { target: "copies", name: "kv undone", mode: "replace", undoOnFailure: true };
  const view = await restore({ from: { object: "bad.sql" }, ...to });
  expect(view).toMatchObject({ status: "failed", error: { code: "statement-failed" } });
  expect(await entriesOf("kv undone")).toEqual([["mine", new Uint8Array(80_000)]]);
});

test("a restore that fails leaves no entry in an empty object", async () => {
  const row = "(X'61',0,1,X'00')";
  const entries = `SELECT 'durable-export: key-values' FROM (VALUES\n${row.replace("1,X'00'", "2,X'00'")}) WHERE 0;`;
  await bucket.put("half.sql", `CREATE TABLE t(a);\n${entries}\nINSERT INTO nothing VALUES(1);`);
  const view = await restore({ from: { object: "half.sql" }, target: "copies", name: "kv half" });
  expect(view).toMatchObject({ status: "failed", error: { code: "statement-failed" } });
  expect(await entriesOf("kv half")).toEqual([]);
  expect(await listNames("kv half")).toEqual([]);
});

test("a restore does not delete entries that its safety export lacks", async () => {
  await inObject("kv huge", ({ kv }) => {
    for (let n = 0; n < 9; n += 1) kv.put(`k${n}`, new Uint8Array(2_000_000));
  });
  const to = { target: "copies", name: "kv huge", mode: "replace" };
  const view = await restore({ from: { jobId }, ...to });
  expect(view.error?.message).toContain("would not bring everything back");
  expect(await entriesOf("kv huge")).toHaveLength(9);
});
