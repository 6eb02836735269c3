import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { sendCallback } from "../../src/notify/send-callback.ts";
import type { ReceivedRequest } from "../support/callback-receiver.ts";

const SECRETS = [
  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  "C2FVsBQIhrscChlQIMV+b5sSYspob7oDQ1Ke0gz0Xxs=",
];
const PAYLOAD = JSON.stringify({ type: "export.completed", data: { name: "Übergröße 🚚" } });

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}

/** What sending a callback promises, over the runtime's own fetch and a real connection. */
export function describeSendCallback(receiverOrigin: () => string): void {
  let ids = 0;

  function send(path: string, given: { id?: string; timeoutMs?: number; secrets?: string[] } = {}) {
    return sendCallback({
      url: `${receiverOrigin()}${path}`,
      id: given.id ?? newId(),
      timestampMs: Date.now(),
      payload: PAYLOAD,
      secrets: given.secrets ?? SECRETS,
      fetch: (url, init) => fetch(url, init),
      ...(given.timeoutMs === undefined ? {} : { timeoutMs: given.timeoutMs }),
    });
  }

  function newId(): string {
    return `job-${Date.now()}-${++ids}`;
  }

  async function receivedBy(id: string): Promise<ReceivedRequest[]> {
    const response = await fetch(`${receiverOrigin()}/requests`);
    const all = await response.json<ReceivedRequest[]>();
    return all.filter((request) => request.headers["webhook-id"] === id);
  }

  describe("sending a callback", () => {
    test("posts the payload under headers that the reference library verifies with each secret", async () => {
      const id = newId();
      expect(await send("/answer?status=204", { id })).toEqual({
        outcome: "delivered",
        status: 204,
      });

      const [request, ...more] = await receivedBy(id);
      expect(more).toEqual([]);
      expect(request).toMatchObject({ method: "POST", body: PAYLOAD });
      expect(request?.headers["content-type"]).toBe("application/json");
      expect(request?.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
      for (const secret of SECRETS) {
        const verified = new Webhook(secret).verify(request?.body ?? "", request?.headers ?? {});
        expect(verified).toEqual(JSON.parse(PAYLOAD));
      }
      const stranger = new Webhook("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
      expect(() => stranger.verify(request?.body ?? "", request?.headers ?? {})).toThrow(
        "No matching signature",
      );
      expect(() => new Webhook(SECRETS[0]!).verify(`${PAYLOAD} `, request?.headers ?? {})).toThrow(
        "No matching signature",
      );
    });

    test("sends no signature where there is no secret", async () => {
      const id = newId();
      await send("/answer", { id, secrets: [] });
      const [request] = await receivedBy(id);
      expect(request?.headers["webhook-timestamp"]).toMatch(/^\d{10}$/);
      expect(request?.headers).not.toHaveProperty("webhook-signature");
    });

    test("keeps its id over tries that fail and the one that is answered", async () => {
      const id = newId();
      const failed = { outcome: "retry", status: 500, error: "the receiver answered 500: not yet" };
      expect(await send("/fail-twice", { id })).toEqual(failed);
      expect(await send("/fail-twice", { id })).toEqual(failed);
      expect(await send("/fail-twice", { id })).toEqual({ outcome: "delivered", status: 200 });
      expect(await receivedBy(id)).toHaveLength(3);
    });

    test("ends for good where the receiver answers 410", async () => {
      const result = await send(`/answer?status=410&retry-after=5&body=${hex("go away")}`);
      expect(result).toEqual({
        outcome: "gone",
        status: 410,
        error: "the receiver answered 410 (gone: no more callbacks are sent): go away",
      });
    });

    test.each([400, 401, 404, 429, 500, 503])("is tried again after %d", async (status) => {
      expect(await send(`/answer?status=${status}`)).toEqual({
        outcome: "retry",
        status,
        error: `the receiver answered ${status}`,
      });
    });

    test("says how long a busy receiver asks to wait, in seconds or as a date", async () => {
      const seconds = await send("/answer?status=429&retry-after=120");
      expect(seconds).toMatchObject({ status: 429, retryAfterMs: 120_000 });

      const date = encodeURIComponent(new Date(Date.now() + 600_000).toUTCString());
      const { retryAfterMs } = await send(`/answer?status=503&retry-after=${date}`);
      expect(retryAfterMs).toBeGreaterThan(590_000);
      expect(retryAfterMs).toBeLessThanOrEqual(600_000);
    });

    test.each([301, 302, 303, 307, 308])("does not follow a %d", async (status) => {
      const id = newId();
      const result = await send(`/answer?status=${status}&location=/answer`, { id });
      expect(result).toEqual({
        outcome: "retry",
        status,
        error: `the receiver answered ${status} (redirects are not followed)`,
      });
      expect(await receivedBy(id)).toHaveLength(1);
    });

    test("gives up on a receiver that does not answer", async () => {
      expect(await send("/hang", { timeoutMs: 100 })).toEqual({
        outcome: "retry",
        error: "the receiver did not answer within 0.1 s",
      });
    });

    test("gives up on a body that does not end, with the status and what came of it", async () => {
      // Long enough for the first bytes to arrive on a busy machine: the time is up only after them.
      expect(await send("/hang-in-body?status=500", { timeoutMs: 3_000 })).toEqual({
        outcome: "retry",
        status: 500,
        error: "the receiver answered 500: the beginning",
      });
    });

    test("does not wait for the body of a receiver that accepted", async () => {
      expect(await send("/hang-in-body?status=200", { timeoutMs: 60_000 })).toEqual({
        outcome: "delivered",
        status: 200,
      });
    });

    test.each([200, 500])("drops an endless body after %d", async (status) => {
      const id = newId();
      const result = await send(`/endless?status=${status}`, { id, timeoutMs: 60_000 });
      expect(result).toMatchObject({ outcome: status === 200 ? "delivered" : "retry", status });
      expect(result.error?.length ?? 0).toBeLessThan(300);
      await expect
        .poll(async () => (await receivedBy(id))[0]?.brokenOff, { timeout: 20_000 })
        .toBe(true);
    });

    test("is tried again where the connection breaks or nobody listens", async () => {
      const unreachable = expect.stringMatching(/^the receiver could not be reached/);
      expect(await send("/break")).toEqual({ outcome: "retry", error: unreachable });

      const result = await sendCallback({
        url: "http://127.0.0.1:1/s3cret?token=s3cret",
        id: newId(),
        timestampMs: Date.now(),
        payload: PAYLOAD,
        secrets: SECRETS,
        fetch: (url, init) => fetch(url, init),
      });
      expect(result).toEqual({ outcome: "retry", error: unreachable });
      expect(result.error).not.toContain("s3cret");
    });

    test("quotes the receiver in one line, without control characters, and cut", async () => {
      const body = hex(`no\u0000 \u001b[31mred\r\n\u202eevil ${"🚚".repeat(150)}`);
      const { error } = await send(`/answer?status=500&body=${body}`);
      expect(error).toMatch(/^the receiver answered 500: no \[31mred evil (?:🚚)+…$/u);
      expect(error?.length).toBeLessThan(240);
    });

    test("hides signatures, secrets and the path where the receiver echoes them", async () => {
      const key = SECRETS[1]!;
      const result = await send(`/echo?status=500&token=s3cret&body=${hex(`${key} end`)}`);
      expect(result.error).toBe(
        "the receiver answered 500: [hidden] v1,[hidden] v1,[hidden] [hidden] end",
      );
    });

    test.each([
      ["a query's value", "s3cret-token"],
      ["it in capitals", "S3CRET-TOKEN"],
      ["a segment of the path", "p4th-secret"],
      ["a part of a segment", "AAEhBP0av28x"],
      ["a value as it was encoded", "a%2Fb%2Bc%26d%22%3Cq"],
      ["a value encoded in lower case", "a%2fb%2bc%26d%22%3cq"],
      ["a value decoded", 'a/b+c&d"<q'],
      ["a value within JSON", 'a/b+c&d\\"<q'],
      ["a value within HTML", "a/b+c&amp;d&quot;&lt;q"],
      ["a form's value", "two words of it"],
      ["a name without a value", "bare-s3cret"],
      ["a PIN of three digits", "731"],
      ["what the end of the text cuts off", "s3cret-tok"],
    ])("hides %s if the receiver repeats only that", async (_what, text) => {
      const path = `/answer/p4th-secret/bot12:AAEhBP0av28x`;
      const secrets =
        "token=s3cret-token&k=a%2Fb%2Bc%26d%22%3Cq&f=two+words+of+it&bare-s3cret&pin=731";
      const { error } = await send(`${path}?status=500&${secrets}&body=${hex(`bad: ${text}`)}`);
      expect(error).toBe("the receiver answered 500: bad: [hidden]");
    });
  });
}
