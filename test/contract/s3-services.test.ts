import { createHash, createHmac } from "node:crypto";
import dns from "node:dns";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { PART_BYTES_MIN, PARTS_MAX } from "../../src/api/limits.ts";
import { s3ArtifactStore } from "../../src/storage/s3/s3-artifact-store.ts";
import type { S3Bucket } from "../../src/storage/s3/s3-client.ts";
import {
  type Interception,
  type ProxiedRequest,
  s3Error,
  type S3Proxy,
  startS3Proxy,
} from "../support/s3-proxy.ts";
import { type S3Server, startLocalR2 } from "../support/local-r2.ts";
import { startFauxS3, startS3rver } from "../support/s3-servers.ts";

const metadata = { contentType: "application/sql" };
const BYTES = new TextEncoder().encode("SELECT 'each byte';\n");

let r2: S3Server;
let s3rver: S3Server;
let faux: S3Server;
let proxy: S3Proxy;
/** In front of fauxqs. */
let checkedProxy: S3Proxy;
/** The waits between attempts, in milliseconds: tests do not wait. */
let waits: number[] = [];

beforeAll(async () => {
  [r2, s3rver, faux] = await Promise.all([startLocalR2(), startS3rver(), startFauxS3()]);
  proxy = await startS3Proxy(s3rver.bucket.endpoint);
  checkedProxy = await startS3Proxy(faux.bucket.endpoint);
});
afterAll(async () => {
  await Promise.all([proxy.stop(), checkedProxy.stop()]);
  await Promise.all([r2.stop(), s3rver.stop(), faux.stop()]);
});
afterEach(() => {
  waits = [];
  for (const each of [proxy, checkedProxy]) {
    each.intercept = () => undefined;
    each.requests.length = 0;
  }
});

function open(server: S3Server, changes: Partial<S3Bucket> = {}) {
  const wait = async (ms: number) => void waits.push(ms);
  return s3ArtifactStore({ ...server.bucket, ...changes }, { localDevelopment: true, wait });
}

/** The store of s3rver's bucket, through the proxy. */
const openBehindProxy = (changes: Partial<S3Bucket> = {}) =>
  open(s3rver, { endpoint: proxy.origin, ...changes });

async function failureOf(work: Promise<unknown>): Promise<ExportError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (cause: unknown) => cause,
  );
  if (error instanceof ExportError) return error;
  throw error;
}

async function readAll(body: ReadableStream<Uint8Array> | undefined): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body ?? null).arrayBuffer());
}

describe("keys", () => {
  const KEYS = [
    "plain/dump.sql.gz",
    "spaces and+plus/a b+c%20d%2Fe",
    "punctuation/!'()*~_-.,;:@&=$#?[]{}|\\^`\"<>",
    "unicode/тест/日本語/é/e\u0301/🦀",
    "controls/\u0001\t\u007f",
    "dots/...a../.hidden/x.",
    `long/${"x".repeat(900)}`,
  ];
  test.each(KEYS)("keeps an object with the key %j at each service", async (key) => {
    // s3rver keeps keys in file names, which cannot be that long.
    const servers = key.length > 200 ? [r2, faux] : [r2, s3rver, faux];
    for (const server of servers) {
      const store = open(server);
      await store.put(key, BYTES, metadata);
      expect((await store.find(key))?.bytes).toBe(BYTES.byteLength);
      expect(await readAll(await store.read(key))).toEqual(BYTES);
      await store.delete([key]);
      expect(await store.find(key)).toBeUndefined();
    }
  });

  test.each([
    ["a/../b", "contains a `.` or `..` segment"],
    ["./a", "contains a `.` or `..` segment"],
    ["", "is empty"],
    ["\ud800", "is not Unicode text"],
    ["é".repeat(600), "has 1200 bytes, but at most 1024 are allowed"],
  ])("refuses the key %j, which would become another", async (key, reason) => {
    const error = await failureOf(open(r2).put(key, BYTES, metadata));
    expect(error.code).toBe("destination-refused");
    expect(error.message).toContain(reason);
  });
});

describe("what the owner must correct", () => {
  test.each([
    ["a wrong secret", { secretAccessKey: "other" }, "its secret access key is wrong"],
    ["an unknown access key id", { accessKeyId: "other" }, "its access key id is unknown"],
    ["a missing bucket", { bucket: "missing" }, "its bucket does not exist"],
  ])("names %s and repeats nothing", async (_, changes, reason) => {
    const store = openBehindProxy(changes);
    for (const work of [
      () => store.put("a", BYTES, metadata),
      () => store.createUpload("a", metadata),
      () => store.read("a"),
    ]) {
      const error = await failureOf(work());
      expect(error.code).toBe("destination-refused");
      expect(error.message).toContain(reason);
    }
    expect(waits).toEqual([]);
  });

  test("names wrong credentials of local R2, for a call without an answer's body too", async () => {
    const store = open(r2, { secretAccessKey: "other" });
    for (const work of [() => store.put("a", BYTES, metadata), () => store.find("a")]) {
      expect((await failureOf(work())).code).toBe("destination-refused");
    }
  });

  test("explains that the clocks differ", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
    try {
      const error = await failureOf(open(r2).put("a", BYTES, metadata));
      expect(error.code).toBe("destination-refused");
      expect(error.message).toContain("RequestTimeTooSkewed");
      expect(error.message).toContain("its clock and this Worker's differ by more than 15 minutes");
    } finally {
      vi.useRealTimers();
    }
    expect(waits).toEqual([]);
  });

  test("follows no redirect, and names the bucket's region", async () => {
    proxy.intercept = () => ({
      status: 301,
      headers: { location: "http://169.254.169.254/", "x-amz-bucket-region": "eu-west-3" },
    });
    const error = await failureOf(openBehindProxy().find("a"));
    expect(error.code).toBe("destination-refused");
    expect(error.message).toContain('the bucket\'s region is "eu-west-3"');
    expect(proxy.requests).toHaveLength(1);
  });

  test("shows no secret that an answer repeats", async () => {
    const secretAccessKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const sessionToken = "a-session-token-of-some-length";
    proxy.intercept = () =>
      s3Error(400, "Odd", `S3RVER sent ${secretAccessKey} and ${sessionToken}`);
    const error = await failureOf(
      openBehindProxy({ secretAccessKey, sessionToken }).put("a", BYTES, metadata),
    );
    expect(error.message).toContain("Odd");
    for (const secret of [secretAccessKey, sessionToken, "S3RVER"]) {
      expect(error.message).not.toContain(secret);
    }
  });

  test("refuses a service that ignores ranges", async () => {
    proxy.intercept = () => ({ status: 200, body: "everything" });
    const error = await failureOf(openBehindProxy().read("a", { offset: 1, length: 2 }));
    expect(error.message).toContain("ignores ranges");
  });
});

describe("passing faults", () => {
  test.each([
    ["503 SlowDown", () => s3Error(503, "SlowDown")],
    ["500 InternalError", () => s3Error(500, "InternalError")],
    ["429", () => ({ status: 429 })],
    ["a dropped connection", () => "drop" as const],
    ["400 RequestTimeout", () => s3Error(400, "RequestTimeout")],
  ])("repeats a request after %s, with growing waits", async (_, fault) => {
    let faults = 3;
    proxy.intercept = () => ((faults -= 1) >= 0 ? fault() : undefined);
    const store = openBehindProxy();
    await store.put("retried", BYTES, metadata);
    expect(await readAll(await store.read("retried"))).toEqual(BYTES);
    expect(waits).toHaveLength(3);
    for (const [at, ms] of waits.entries()) {
      expect(ms).toBeGreaterThanOrEqual(100 * 2 ** at);
      expect(ms).toBeLessThanOrEqual(200 * 2 ** at);
    }
  });

  test("gives up after five attempts, and reports a fault that may pass", async () => {
    proxy.intercept = () => s3Error(503, "SlowDown");
    const error = await failureOf(openBehindProxy().put("a", BYTES, metadata));
    expect(error.code).toBe("storage-unavailable");
    expect(error.retryable).toBe(true);
    expect(error.message).toContain("SlowDown");
    expect(proxy.requests).toHaveLength(5);
  });

  test("reports a destination that is gone as a fault that may pass", async () => {
    const gone = await startS3Proxy(s3rver.bucket.endpoint);
    await gone.stop();
    const error = await failureOf(
      open(s3rver, { endpoint: gone.origin }).put("a", BYTES, metadata),
    );
    expect(error.code).toBe("storage-unavailable");
    expect(error.message).toContain("did not answer 5 attempts");
  });

  test("does not repeat what the service cannot do", async () => {
    proxy.intercept = () => ({ status: 501 });
    const error = await failureOf(openBehindProxy().put("a", BYTES, metadata));
    expect(error.code).toBe("destination-refused");
    expect(waits).toEqual([]);
  });

  test("repeats a completion that fails after status 200, and one whose answer was lost", async () => {
    const store = open(faux, { endpoint: checkedProxy.origin });
    const upload = { key: "lost", uploadId: await store.createUpload("lost", metadata) };
    const part = await store.putPart(upload, 1, BYTES);
    let faults = 1;
    checkedProxy.intercept = ({ method }) =>
      method === "POST" && (faults -= 1) >= 0
        ? { status: 200, body: "   <Error><Code>InternalError</Code></Error>" }
        : undefined;
    const object = await store.completeUpload(upload, [part]);
    expect(object.bytes).toBe(BYTES.byteLength);
    expect(await store.completeUpload(upload, [part])).toEqual(object);
  });
});

describe("checksums", () => {
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

  test("sends the payload's hash with every request", async () => {
    await openBehindProxy().put("a", BYTES, metadata);
    expect(proxy.requests[0]?.headers["x-amz-content-sha256"]).toBe(sha256(BYTES).toString("hex"));
  });

  test("finds the checksum that the service computed from the parts", async () => {
    const store = open(faux);
    const upload = { key: "checked", uploadId: await store.createUpload("checked", metadata) };
    const pieces = [new Uint8Array(PART_BYTES_MIN).fill(1), BYTES];
    const parts = [];
    for (const [at, bytes] of pieces.entries()) {
      parts.push(await store.putPart(upload, at + 1, bytes));
    }
    await store.completeUpload(upload, parts);
    const expected = sha256(Buffer.concat(pieces.map(sha256))).toString("hex");
    expect(await store.findChecksum("checked")).toEqual({ sha256: expected, parts: 2 });
  });

  test("sends a part again that changed on its way, and that the service refused for it", async () => {
    const store = openBehindProxy();
    const upload = { key: "changed", uploadId: await store.createUpload("changed", metadata) };
    let changes = 1;
    proxy.intercept = ({ method, body, headers }) => {
      const arrived = Buffer.from(body);
      if (method === "PUT" && (changes -= 1) >= 0) arrived[0] = (arrived[0] ?? 0) ^ 1;
      const matches = sha256(arrived).toString("hex") === headers["x-amz-content-sha256"];
      return matches ? undefined : s3Error(400, "XAmzContentSHA256Mismatch");
    };
    await store.completeUpload(upload, [await store.putPart(upload, 1, BYTES)]);
    expect(waits).toHaveLength(1);
    expect(await readAll(await store.read("changed"))).toEqual(BYTES);
  });

  test.each([
    ["refuses to compute", true],
    ["ignores", false],
  ])("uploads without checksums to a service that %s them", async (_, refuses) => {
    proxy.intercept = ({ headers }) =>
      refuses && headers["x-amz-checksum-algorithm"] !== undefined
        ? s3Error(501, "NotImplemented")
        : undefined;
    const store = openBehindProxy();
    const upload = { key: "plain", uploadId: await store.createUpload("plain", metadata) };
    await store.completeUpload(upload, [await store.putPart(upload, 1, BYTES)]);
    const put = proxy.requests.find(({ method }) => method === "PUT");
    expect(put?.headers["x-amz-checksum-sha256"]).toBeUndefined();
    expect(await store.findChecksum("plain")).toBeUndefined();
  });
});

describe("the ways to a bucket", () => {
  test("reaches a bucket by its virtual host, and signs that host", async () => {
    const { lookup } = dns;
    // This machine's resolver does not know hosts below `localhost`.
    vi.spyOn(dns, "lookup").mockImplementation((_host: string, ...given: unknown[]) => {
      lookup("127.0.0.1", ...(given as [never]));
    });
    const endpoint = checkedProxy.origin.replace("127.0.0.1", "localhost");
    try {
      // fauxqs takes `copies` from the host `copies.s3.localhost`.
      const store = open(faux, { endpoint, bucket: "copies.s3", pathStyle: false });
      await store.put("by host", BYTES, metadata);
      expect(await readAll(await open(faux).read("by host"))).toEqual(BYTES);
    } finally {
      vi.restoreAllMocks();
    }
    const [request] = checkedProxy.requests;
    expect(request?.url).toBe("/by%20host");
    expect(request?.headers.host).toMatch(/^copies\.s3\.localhost:\d+$/);
    expect(request && signatureOf(request, faux.bucket)).toBe(
      request?.headers.authorization?.split("Signature=")[1],
    );
  });

  test("signs for the region and with the session token", async () => {
    const store = openBehindProxy({ region: "ap-southeast-4", sessionToken: "temporary" });
    await store.put("a", BYTES, metadata);
    const { authorization = "", ...headers } = proxy.requests[0]?.headers ?? {};
    expect(authorization).toContain("/ap-southeast-4/s3/aws4_request");
    expect(authorization).toContain("x-amz-security-token");
    expect(headers["x-amz-security-token"]).toBe("temporary");
  });

  test.each([
    ["http://example.com", "its endpoint is not https"],
    ["https://10.0.0.1", "10.0.0.1 is a private address"],
    ["https://169.254.169.254", "169.254.169.254 is a link-local address"],
    ["https://minio.internal", "`internal` is not a public name"],
  ])("refuses the private endpoint %s, in local development too", (endpoint, reason) => {
    for (const localDevelopment of [true, false]) {
      const bucket = { ...s3rver.bucket, endpoint };
      expect(() => s3ArtifactStore(bucket, { localDevelopment })).toThrow(reason);
    }
  });

  test("refuses this machine's own host outside local development", () => {
    expect(() => s3ArtifactStore(s3rver.bucket, { localDevelopment: false })).toThrow(
      expect.objectContaining({ code: "configuration-invalid" }),
    );
  });
});

test("lists each of the most parts that an upload may have, in order", async () => {
  const etagOf = (number: number) => `etag${number}`;
  let listed: string[] = [];
  proxy.intercept = ({ method, url, body }): Interception => {
    if (method === "HEAD") return { status: 200, headers: { "content-length": `${PARTS_MAX}` } };
    if (method === "PUT") {
      const number = Number(new URLSearchParams(url.split("?")[1]).get("partNumber"));
      return { status: 200, headers: { etag: `"${etagOf(number)}"` } };
    }
    listed = body.toString().match(/<Part>.*?<\/Part>/g) ?? [];
    return { status: 200, body: "<CompleteMultipartUploadResult/>" };
  };
  const store = openBehindProxy();
  const upload = { key: "many", uploadId: "upload" };
  const last = await store.putPart(upload, PARTS_MAX, new Uint8Array(1));
  const parts = Array.from({ length: PARTS_MAX }, (_, at) => ({
    number: at + 1,
    bytes: 1,
    etag: etagOf(at + 1),
  }));
  expect(last).toEqual(parts.at(-1));
  expect((await store.completeUpload(upload, parts)).bytes).toBe(PARTS_MAX);
  expect(listed).toHaveLength(PARTS_MAX);
  for (const { number, etag } of parts) {
    expect(listed[number - 1]).toBe(
      `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag}&quot;</ETag></Part>`,
    );
  }
  const error = await failureOf(store.putPart(upload, PARTS_MAX + 1, BYTES));
  expect(error.code).toBe("artifact-too-large");
});

/** Computes a request's signature anew, from the specification. */
function signatureOf({ method, url, headers }: ProxiedRequest, bucket: S3Bucket): string {
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac("sha256", key).update(text).digest();
  const [path = "", query = ""] = url.split("?");
  const [, scope = "", signed = ""] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.authorization ?? "") ?? [];
  const lines = signed.split(";").map((name) => `${name}:${String(headers[name])}\n`);
  const payload = String(headers["x-amz-content-sha256"]);
  const canonical = [method, path, query, lines.join(""), signed, payload].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, hash].join("\n");
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${bucket.secretAccessKey}`);
  return hmac(key, text).toString("hex");
}
