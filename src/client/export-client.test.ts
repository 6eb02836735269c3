import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { ERRORS } from "../api/error-codes.ts";
import { ExportApiError } from "./export-api-error.ts";
import type { JobEvent } from "./client-options.ts";
import { ExportClient } from "./export-client.ts";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const JOB = "00000000-0000-4000-8000-000000000000";
const VIEW = { jobId: JOB, status: "running" };

/** Answers the next requests, one each. */
let answers: Answer[] = [];
let requests: { call: string; headers: IncomingMessage["headers"] }[] = [];
let url = "";

const server = createServer((request, response) => {
  requests.push({ call: `${request.method} ${request.url}`, headers: request.headers });
  const answer = answers.shift();
  if (answer === undefined) response.writeHead(500).end("no answer is left");
  else answer(response, request);
});

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  answers = [];
  requests = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function json(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

function refusal(status: number, code: string, more: object = {}): Answer {
  const body = { code, detail: `${code} happened`, hint: "Do something.", ...more };
  return json(status, body, { "retry-after": "0" });
}

/** Sends events, and then ends the answer or, if `isCut`, the connection. */
function events(texts: readonly string[], isCut = false): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`retry: 2000\n\n${texts.join("")}`, () =>
      isCut ? response.destroy() : response.end(),
    );
  };
}

function eventText(event: string, id: string, data: unknown): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

function client(options: { retries?: number; path?: string } = {}): ExportClient {
  return new ExportClient({ url: `${url}${options.path ?? ""}`, token: "secret", ...options });
}

async function errorOf(work: Promise<unknown>): Promise<ExportApiError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ExportApiError);
  return error as ExportApiError;
}

describe("requests", () => {
  test("go below the path of the URL, with the token", async () => {
    answers = [json(200, VIEW)];
    await client({ path: "/backup/?x#y" }).get(JOB);
    expect(requests).toMatchObject([
      { call: `GET /backup/export/dump/${JOB}`, headers: { authorization: "Bearer secret" } },
    ]);
  });

  test("encode ids, names and filters", async () => {
    answers = Array.from({ length: 5 }, () => json(200, {}));
    const caller = client();
    await caller.download("a/b", { artifact: "ü/..", headers: { range: "bytes=0-1" } });
    await caller.list({ status: "failed", limit: 5, cursor: undefined });
    await caller.stream({ include: ["a", "b&c"], format: "csv" });
    await caller.cancel("x");
    await caller.cancelRestore("x");
    expect(requests.map(({ call }) => call)).toEqual([
      "GET /export/dump/a%2Fb/download/%C3%BC%2F..",
      "GET /export/jobs?status=failed&limit=5",
      "GET /export/dump?include=a&include=b%26c&format=csv",
      "DELETE /export/dump/x?only=cancel",
      "DELETE /import/dump/x?only=cancel",
    ]);
    expect(requests[0]?.headers.range).toBe("bytes=0-1");
  });

  test("that start a job carry a new key each, or the caller's", async () => {
    answers = [json(202, VIEW), json(202, VIEW), json(202, VIEW)];
    await client().start();
    await client().start({ compression: "gzip" });
    await client().start({}, { idempotencyKey: "mine" });
    const [first, second, third] = requests.map(({ headers }) => headers["idempotency-key"]);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
    expect(third).toBe("mine");
  });

  test("of a URL that is none are refused at once", () => {
    expect(() => new ExportClient({ url: "example.com", token: "x" })).toThrow(TypeError);
  });
});

describe("a refused call", () => {
  test("throws status, code, hint, the job and the whole problem", async () => {
    answers = [refusal(409, "export-already-running", { jobId: "other" })];
    const error = await errorOf(client().start());
    expect(error).toMatchObject({
      name: "ExportApiError",
      message: "export-already-running: export-already-running happened",
      status: 409,
      code: "export-already-running",
      hint: "Do something.",
      jobId: "other",
      problem: { jobId: "other" },
    });
  });

  test("names the job of the call if the answer names none", async () => {
    answers = [refusal(404, "job-not-found")];
    expect((await errorOf(client().get(JOB))).jobId).toBe(JOB);
  });

  test("of something else than this Worker is an unexpected answer", async () => {
    answers = [(response) => response.writeHead(502, { "content-type": "text/html" }).end("<p>")];
    expect(await errorOf(client().sources())).toMatchObject({
      status: 502,
      code: "unexpected-answer",
      hint: undefined,
      message: expect.stringContaining("text/html") as string,
    });
  });

  test("does not take the token elsewhere", async () => {
    answers = [(response) => response.writeHead(302, { location: `${url}/elsewhere` }).end()];
    expect(await errorOf(client().get(JOB))).toMatchObject({
      status: 302,
      code: "unexpected-answer",
    });
    expect(requests).toHaveLength(1);
  });
});

describe("a call that may pass later", () => {
  test.each([
    [429, "too-many-requests"],
    [503, "storage-unavailable"],
    [503, "a-code-of-tomorrow"],
  ])("is repeated after %i %s, with the same key", async (status, code) => {
    answers = [refusal(status, code), refusal(status, code), json(202, VIEW)];
    expect(await client().start()).toEqual(VIEW);
    expect(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(requests).toHaveLength(3);
  });

  test("is repeated as often as `retries` says", async () => {
    const many = Array.from({ length: 9 }, () => refusal(503, "storage-unavailable"));
    answers = [...many];
    await errorOf(client().get(JOB));
    expect(requests).toHaveLength(4);
    answers = [...many];
    await errorOf(client({ retries: 0 }).get(JOB));
    expect(requests).toHaveLength(5);
  });

  test("ends its wait when the signal is aborted", async () => {
    const controller = new AbortController();
    answers = [
      (response) => {
        response.writeHead(503, { "retry-after": "100" }).end("{}", () => controller.abort("stop"));
      },
    ];
    await expect(client().get(JOB, { signal: controller.signal })).rejects.toBe("stop");
  });
});

describe("a call that cannot pass", () => {
  const lasting = Object.entries(ERRORS).filter(
    ([, { status, retryable }]) => (status === 503 || status === 429) && !retryable,
  );

  test.each(lasting.map(([code, { status }]) => [status, code] as const))(
    "is not repeated after %i %s",
    async (status, code) => {
      answers = [refusal(status, code)];
      expect((await errorOf(client().get(JOB))).code).toBe(code);
      expect(requests).toHaveLength(1);
    },
  );

  test("nor is a query, which may have run", async () => {
    answers = [refusal(503, "source-unavailable")];
    expect((await errorOf(client().query({ sql: "SELECT 1" }))).code).toBe("source-unavailable");
    expect(requests).toHaveLength(1);
  });
});

describe("the events of a job", () => {
  async function collect(work: AsyncIterable<JobEvent>): Promise<[string, string][]> {
    const found: [string, string][] = [];
    for await (const { type, id } of work) found.push([type, id]);
    return found;
  }

  test.each([
    ["ends", false],
    ["breaks", true],
  ])("follow after the last one when the connection %s", async (_, isCut) => {
    answers = [
      events([eventText("progress", "1", VIEW), eventText("progress", "2", VIEW)], isCut),
      events([eventText("end", "3", { ...VIEW, status: "completed" })]),
    ];
    const found = await collect(client().events(JOB));
    expect(found).toEqual([
      ["progress", "1"],
      ["progress", "2"],
      ["end", "3"],
    ]);
    expect(requests.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "2"]);
  });

  test("are none for a caller who knows the end", async () => {
    answers = [(response) => response.writeHead(204).end()];
    expect(await collect(client().events(JOB, { lastEventId: "3" }))).toEqual([]);
    expect(requests[0]?.headers["last-event-id"]).toBe("3");
  });

  test("end with `deleted`, of which `wait` makes an error", async () => {
    const deleted = events([eventText("deleted", "2", null)]);
    answers = [deleted, deleted];
    expect(await collect(client().events(JOB))).toEqual([["deleted", "2"]]);
    expect(await errorOf(client().wait(JOB))).toMatchObject({ code: "job-not-found", jobId: JOB });
  });

  test("throw if connections break again and again", async () => {
    const broken: Answer = (response) => response.destroy();
    answers = [broken, broken];
    await expect(collect(client({ retries: 1 }).events(JOB))).rejects.toThrow(TypeError);
    expect(requests).toHaveLength(2);
  });

  test("stop when the signal is aborted, also between two connections", async () => {
    const controller = new AbortController();
    answers = [events([eventText("progress", "1", VIEW)])];
    const following = client().events(JOB, { signal: controller.signal });
    expect((await following.next()).value).toMatchObject({ type: "progress" });
    const next = following.next();
    controller.abort("stop");
    await expect(next).rejects.toBe("stop");
  });
});

test("calls for fleets have the routes, queries and answers of the API", async () => {
  const fleet = { fleetId: JOB, status: "running" };
  const ended = { ...fleet, status: "completed" };
  answers = [
    json(202, fleet),
    json(200, fleet),
    json(200, { fleets: [fleet], cursor: null }),
    json(200, { namedBy: "name", members: [], cursor: "5" }),
    json(200, fleet),
    (response) => response.writeHead(204).end(),
    events([eventText("end", "1", ended)]),
    (response) => response.writeHead(206).end("a dump"),
  ];
  const fleets = client();
  expect(await fleets.startFleet({ source: "tenants" }, { idempotencyKey: "k" })).toEqual(fleet);
  expect(await fleets.getFleet(JOB)).toEqual(fleet);
  expect((await fleets.listFleets({ limit: 5 })).fleets).toEqual([fleet]);
  expect((await fleets.listMembers(JOB, { prefix: "a b", status: "failed" })).cursor).toBe("5");
  expect(await fleets.cancelFleet(JOB)).toEqual(fleet);
  expect(await fleets.deleteFleet(JOB)).toBe(null);
  expect(await fleets.waitForFleet(JOB)).toEqual(ended);
  const part = await fleets.downloadMember(
    JOB,
    { name: "a&b" },
    { headers: { range: "bytes=0-5" } },
  );
  expect(await part.text()).toBe("a dump");
  expect(requests.map(({ call }) => call)).toEqual([
    "POST /export/fleet",
    `GET /export/fleet/${JOB}`,
    "GET /export/fleets?limit=5",
    `GET /export/fleet/${JOB}/members?prefix=a+b&status=failed`,
    `DELETE /export/fleet/${JOB}?only=cancel`,
    `DELETE /export/fleet/${JOB}`,
    `GET /export/fleet/${JOB}/events`,
    `GET /export/fleet/${JOB}/download?name=a%26b`,
  ]);
  expect(requests[0]?.headers["idempotency-key"]).toBe("k");
  expect(requests.at(-1)?.headers["range"]).toBe("bytes=0-5");
});
