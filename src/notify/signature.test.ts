import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";

import { signMessage } from "./signature.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BARE_SECRET = "C2FVsBQIhrscChlQIMV+b5sSYspob7oDQ1Ke0gz0Xxs=";

describe("signing", () => {
  test("gives the signature of the standard's own example", () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/index.test.ts
    const signature = signMessage({
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timestampMs: 1_614_265_330_000,
      payload: '{"test": 2432232314}',
      secrets: [SECRET],
    });
    expect(signature).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  test("agrees with WebCrypto's HMAC for any payload, id and time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary" }),
        fc.stringMatching(/^[\w-]{1,100}$/),
        fc.integer({ min: 0, max: 4e12 }),
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        async (payload, id, timestampMs, key) => {
          const secrets = [Buffer.from(key).toString("base64")];
          const hmac = await crypto.subtle.importKey(
            "raw",
            new Uint8Array(key),
            { name: "HMAC", hash: "SHA-256" },
            false,
            ["sign"],
          );
          const text = `${id}.${Math.floor(timestampMs / 1_000)}.${payload}`;
          const bytes = await crypto.subtle.sign("HMAC", hmac, new TextEncoder().encode(text));
          const signature = signMessage({ id, timestampMs, payload, secrets });
          expect(signature).toBe(`v1,${Buffer.from(bytes).toString("base64")}`);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("signs with each secret while one is rotated out", () => {
    const timestampMs = Date.now();
    const signature = signMessage({
      id: "job",
      timestampMs,
      payload: "{}",
      secrets: [SECRET, BARE_SECRET],
    });
    expect(signature.split(" ")).toHaveLength(2);
    const headers = {
      "webhook-id": "job",
      "webhook-timestamp": String(Math.floor(timestampMs / 1_000)),
      "webhook-signature": signature,
    };
    expect(new Webhook(SECRET).verify("{}", headers)).toEqual({});
    expect(new Webhook(BARE_SECRET).verify("{}", headers)).toEqual({});
  });

  test("refuses an id with a dot, by which two messages could sign alike", () => {
    expect(() =>
      signMessage({ id: "a.1", timestampMs: 0, payload: "", secrets: [SECRET] }),
    ).toThrow("webhook id");
  });
});
