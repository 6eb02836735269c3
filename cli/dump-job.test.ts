import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { FAKE_TOKEN, FakeExportServer, sendProblem } from "../test/support/fake-export-server.ts";
import { ApiClient } from "./api-client.ts";
import { findDumpOutput } from "./dump-job.ts";

let server: FakeExportServer;
let client: ApiClient;

async function serve(sources: string[]): Promise<void> {
  server = await FakeExportServer.start({ artifacts: {}, sources });
  client = new ApiClient({
    url: server.url,
    token: FAKE_TOKEN,
    retry: { retries: 0, baseMs: 1 },
    signal: new AbortController().signal,
    onRetry: () => {},
  });
}

beforeEach(() => serve(["shop"]));
afterEach(() => server.stop());

describe("the output of a dump without -o", () => {
  test("has the name of the Worker's only source", async () => {
    expect(await findDumpOutput(client, {})).toBe("shop.sql");
    expect(await findDumpOutput(client, { name: "a/b", compression: "gzip" })).toBe(
      "shop-a_b.sql.gz",
    );
    expect(await findDumpOutput(client, { format: "csv" })).toBe("shop-csv/");
  });

  test("has the name of the source that the request names, without asking the Worker", async () => {
    expect(await findDumpOutput(client, { source: "notes" })).toBe("notes.sql");
    expect(server.requests).toEqual([]);
  });

  test("is called main among several sources, and if the Worker lists none", async () => {
    await server.stop();
    await serve(["shop", "main"]);
    expect(await findDumpOutput(client, {})).toBe("main.sql");
    server.intercept("GET /export/sources", (_, response) => {
      sendProblem(response, 404, "not-found", "there is no such route");
      return true;
    });
    expect(await findDumpOutput(client, {})).toBe("main.sql");
  });
});
