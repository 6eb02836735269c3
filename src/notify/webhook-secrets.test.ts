import { describe, expect, test } from "vitest";

import { parseWebhookSecrets, readWebhookSecrets } from "./webhook-secrets.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BARE_SECRET = "C2FVsBQIhrscChlQIMV+b5sSYspob7oDQ1Ke0gz0Xxs=";

const deployed = { localDevelopment: false };

describe("the webhook secrets", () => {
  test.each([
    [undefined, []],
    ["", []],
    [" , ", []],
    [SECRET, [SECRET]],
    [BARE_SECRET, [BARE_SECRET]],
    [` ${SECRET}\n`, [SECRET]],
    [`${SECRET} ${BARE_SECRET}`, [SECRET, BARE_SECRET]],
    [`${SECRET},${BARE_SECRET}`, [SECRET, BARE_SECRET]],
    [`${SECRET}, ${BARE_SECRET}`, [SECRET, BARE_SECRET]],
  ])("are read from %j", (text, secrets) => {
    expect(parseWebhookSecrets(text, deployed)).toEqual(secrets);
  });

  test.each([
    ["correct-horse-battery-staple", "is not padded base64"],
    ["whsec_", "is not padded base64"],
    ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwYQ", "is not padded base64"],
    [`${SECRET} not~base64`, "(secret 2 of 2)"],
    ["c2hvcnQ=", "has 5 bytes, but needs at least 24"],
    ["whsec_TWZLUTlyOEdLWXFyVHdqVVBEOElMUFo=", "has 23 bytes"],
    [Array.from({ length: 6 }, () => SECRET).join(" "), "contains 6 secrets"],
  ])("are refused as %j, in words that do not hold them", (text, words) => {
    const parse = () => parseWebhookSecrets(text, deployed);
    expect(parse).toThrow(expect.objectContaining({ code: "configuration-invalid" }));
    expect(parse).toThrow(words);
    for (const secret of text.split(" ")) {
      expect(parse).not.toThrow(secret.replace(/^whsec_/, "") || "nothing to hide");
    }
  });

  test("may be short in local development", () => {
    expect(parseWebhookSecrets("c2hvcnQ=", { localDevelopment: true })).toEqual(["c2hvcnQ="]);
  });

  test("are parsed once for each settings, and by where the Worker runs", () => {
    const settings = { webhookSecret: "c2hvcnQ=" };
    const read = () => readWebhookSecrets(settings, { localDevelopment: true });
    expect(read()).toEqual(["c2hvcnQ="]);
    expect(read()).toBe(read());
    expect(() => readWebhookSecrets(settings, deployed)).toThrow("has 5 bytes");
    expect(readWebhookSecrets({ webhookSecret: undefined }, deployed)).toEqual([]);
  });
});
