import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import receiver from "../../../examples/callback-receiver/worker.ts";
import { sendCallback } from "../../../src/notify/send-callback.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

test("the Worker receiver of docs/callbacks.md verifies callbacks and keeps a repeated one once", async () => {
  const { EXPORT_R2_BUCKET: bucket } = env as { EXPORT_R2_BUCKET: R2Bucket };
  const send = (id: string, secret: string) =>
    sendCallback({
      url: "https://receiver.example.com/",
      id,
      timestampMs: Date.now(),
      payload: JSON.stringify({ type: "export.failed", data: { jobId: id } }),
      secrets: [secret],
      fetch: (url, init) =>
        receiver.fetch(new Request(url, init), {
          EXPORT_WEBHOOK_SECRET: SECRET,
          CALLBACKS: bucket,
        }),
    });

  expect(await send("job-1", SECRET)).toEqual({ outcome: "delivered", status: 204 });
  expect(await send("job-1", SECRET)).toEqual({ outcome: "delivered", status: 204 });
  expect(await send("job-2", "C2FVsBQIhrscChlQIMV+b5sSYspob7oDQ1Ke0gz0Xxs=")).toMatchObject({
    outcome: "retry",
    status: 401,
  });
  const { objects } = await bucket.list({ prefix: "exports/job-" });
  expect(objects.map((object) => object.key)).toEqual(["exports/job-1.json"]);
});
