import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ACCEPTED_TARGETS,
  LOOPBACK_TARGETS,
  REFUSED_TARGETS,
} from "../../test/support/callback-targets.ts";
import {
  CALLBACK_URL_LENGTH_MAX,
  checkCallbackTarget,
  parseCallbackAllowlist,
} from "./callback-target.ts";
import { ExportError } from "../api/errors.ts";

const deployed = { allowlist: undefined, localDevelopment: false };

function refusalOf(url: string, options: Parameters<typeof checkCallbackTarget>[1] = deployed) {
  try {
    return `accepted as ${checkCallbackTarget(url, options)}`;
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return error;
  }
}

describe("a callback target", () => {
  test.each(REFUSED_TARGETS)("is refused by rule %s: %s", (rule, url) => {
    expect(refusalOf(url)).toMatchObject({ code: "callback-url-refused", details: { rule } });
  });

  test.each(REFUSED_TARGETS)("is refused by rule %s in local development too: %s", (rule, url) => {
    const options = { ...deployed, localDevelopment: true };
    expect(refusalOf(url, options)).toMatchObject({ details: { rule } });
  });

  test.each(ACCEPTED_TARGETS)("is accepted: %s becomes %s", (url, href) => {
    expect(checkCallbackTarget(url, deployed)).toBe(href);
  });

  test.each(LOOPBACK_TARGETS)(
    "on this machine is refused by rule %s, except in local development: %s",
    (rule, url, href) => {
      expect(refusalOf(url)).toMatchObject({ code: "callback-url-refused", details: { rule } });
      expect(checkCallbackTarget(url, { ...deployed, localDevelopment: true })).toBe(href);
    },
  );

  test("may be as long as the limit and no longer", () => {
    const longest = "https://example.com/".padEnd(CALLBACK_URL_LENGTH_MAX, "a");
    expect(checkCallbackTarget(longest, deployed)).toBe(longest);
    expect(refusalOf(`${longest}a`)).toMatchObject({ details: { rule: "length" } });
  });

  test("is stable: what was accepted is accepted again as it is", () => {
    for (const [url] of ACCEPTED_TARGETS) {
      const href = checkCallbackTarget(url, deployed);
      expect(checkCallbackTarget(href, deployed)).toBe(href);
    }
  });

  test("with an IPv4 address is judged alike in decimal, octal and hex, whole or in parts", () => {
    const spell = (part: number, radix: number) =>
      radix === 16 ? `0x${part.toString(16)}` : radix === 8 ? `0${part.toString(8)}` : String(part);
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
        fc.tuple(...Array.from({ length: 4 }, () => fc.constantFrom(8, 10, 16))),
        fc.integer({ min: 1, max: 4 }),
        (bytes, radixes, parts) => {
          const rest = bytes.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0);
          const host = [...bytes.slice(0, parts - 1), rest]
            .map((part, index) => spell(part, radixes[index] ?? 10))
            .join(".");
          const judge = (host: string) => String(refusalOf(`https://${host}/`));
          expect(judge(host)).toBe(judge(bytes.join(".")));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("does not show its path, query or password in the message", () => {
    for (const url of [
      "http://example.com/s3cret?token=s3cret",
      "https://user:s3cret@example.com/",
      "https://10.0.0.1/s3cret?token=s3cret#s3cret",
      "https://s3cret:x:y/",
    ]) {
      expect(String(refusalOf(url))).toContain("the callback URL is refused");
      expect(String(refusalOf(url))).not.toContain("s3cret");
    }
  });
});

describe("the allowlist", () => {
  const allows = (text: string, url: string) => {
    const answer = refusalOf(url, {
      allowlist: parseCallbackAllowlist(text),
      localDevelopment: false,
    });
    return typeof answer === "string" ? true : answer.details?.["rule"];
  };

  test.each([
    ["hooks.example.com", "https://hooks.example.com/a", true],
    ["hooks.example.com", "https://HOOKS.example.COM:8443/a", true],
    ["HOOKS.Example.com", "https://hooks.example.com/a", true],
    ["hooks.example.com", "https://hooks.example.com:9443/a", "port"],
    ["hooks.example.com:9443", "https://hooks.example.com:9443/a", true],
    ["hooks.example.com:9443", "https://hooks.example.com/a", "port"],
    ["hooks.example.com:443", "https://hooks.example.com/a", true],
    ["hooks.example.com:443", "https://hooks.example.com:8443/a", "port"],
    ["hooks.example.com:9443, hooks.example.com", "https://hooks.example.com/a", true],
    ["hooks.example.com", "https://example.com/a", "allowlist"],
    ["hooks.example.com", "https://a.hooks.example.com/a", "allowlist"],
    ["hooks.example.com", "https://hooks.example.com.evil.net/a", "allowlist"],
    ["hooks.example.com", "https://xhooks.example.com/a", "allowlist"],
    ["*.example.com", "https://hooks.example.com/a", true],
    ["*.example.com", "https://a.b.example.com/a", true],
    ["*.example.com", "https://example.com/a", "allowlist"],
    ["*.example.com", "https://evilexample.com/a", "allowlist"],
    ["*.example.com", "https://hooks.example.com./a", "host"],
    ["*.example.com , example.com", "https://example.com/a", true],
    ["bücher.de", "https://xn--bcher-kva.de/", true],
    ["1.1.1.1", "https://0x01010101/", true],
    ["[2606:4700:4700::1111]:8443", "https://[2606:4700:4700:0::1111]:8443/", true],
    ["example.com", "https://10.0.0.1/", "address"],
    ["example.com", "http://example.com/", "scheme"],
  ])("%s, asked for %s: %s", (text, url, answer) => {
    expect(allows(text, url)).toBe(answer);
  });

  test("is absent where the variable is missing or empty", () => {
    expect(parseCallbackAllowlist(undefined)).toBeUndefined();
    expect(parseCallbackAllowlist("")).toBeUndefined();
    expect(parseCallbackAllowlist("  ")).toBeUndefined();
  });

  test("leaves this machine reachable in local development", () => {
    const allowlist = parseCallbackAllowlist("example.com");
    const url = "http://localhost:9000/";
    expect(checkCallbackTarget(url, { allowlist, localDevelopment: true })).toBe(url);
  });

  test.each([
    [",", "an entry is empty"],
    ["example.com,", "an entry is empty"],
    ["*", "remove the variable"],
    ["*.*.example.com", "leading `*.`"],
    ["hooks.*.com", "leading `*.`"],
    ["*example.com", "leading `*.`"],
    ["*.com", "single label"],
    ["*.", "not a valid host"],
    ["localhost", "not a public name"],
    ["printer.local", "not a public name"],
    ["intranet-host", "single label"],
    ["10.0.0.1", "a private address"],
    ["0x7f.1", "a loopback address"],
    ["[fd00::1]", "a unique local address"],
    ["*.1.1.1.1", "before an address"],
    ["example.com.", "ends with a dot"],
    ["https://example.com", "write no scheme"],
    ["example.com/hooks", "write no scheme"],
    ["user@example.com", "write no scheme"],
    ["example.com other.com", "write no scheme"],
    ["example.com:port", "not a valid host"],
    ["example.com:99999", "not a valid host"],
  ])("refuses the entry %s with a clear error", (text, words) => {
    expect(() => parseCallbackAllowlist(text)).toThrow(
      expect.objectContaining({
        code: "configuration-invalid",
        message: expect.stringContaining(words),
      }),
    );
    expect(() => parseCallbackAllowlist(text)).toThrow("EXPORT_CALLBACK_ALLOWLIST");
  });
});
