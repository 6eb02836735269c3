import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openSealed, parseIdentities } from "./open-sealed.ts";
import { parseRecipients } from "./recipients.ts";
import { countSealedBytes, createSeal, type Seal, sealRange } from "./seal.ts";

const CHUNK = 64 * 1024;
const SEALED_CHUNK = CHUNK + 16;

let identity = "";
let recipient = "";
let stranger = "";

beforeAll(async () => {
  [identity, stranger] = await Promise.all([generateX25519Identity(), generateX25519Identity()]);
  recipient = await identityToRecipient(identity);
});

/** Reads a range in pieces of odd lengths, as a store may. */
function readerOf(plain: Uint8Array, pieceBytes = 50_001) {
  return async ({ offset, length }: { offset: number; length: number }) => {
    let at = offset;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        const to = Math.min(at + pieceBytes, offset + length);
        if (at < to) controller.enqueue(plain.slice(at, to));
        at = to;
        if (at === offset + length) controller.close();
      },
    });
  };
}

function sealWhole(seal: Seal, plain: Uint8Array): Promise<Uint8Array> {
  const length = countSealedBytes(seal, plain.byteLength);
  return sealRange(seal, plain.byteLength, { offset: 0, length }, readerOf(plain));
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes)]).stream();
}

async function openWhole(sealed: Uint8Array, identities = [identity]): Promise<Uint8Array> {
  const plain = await openSealed(streamOf(sealed), identities);
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17];

describe("a sealed file", () => {
  test.each(SIZES)("opens again if it has %i bytes", async (bytes) => {
    const plain = randomBytes(bytes);
    const seal = await createSeal([recipient]);
    const sealed = await sealWhole(seal, plain);
    expect(sealed.byteLength).toBe(countSealedBytes(seal, bytes));
    expect(Buffer.compare(await openWhole(sealed), plain)).toBe(0);
  });

  test("opens for each of several recipients, and for nobody else", async () => {
    const second = await generateX25519Identity();
    const seal = await createSeal([recipient, await identityToRecipient(second)]);
    const sealed = await sealWhole(seal, Buffer.from("plain"));
    for (const each of [identity, second]) {
      expect(Buffer.from(await openWhole(sealed, [each])).toString()).toBe("plain");
    }
    await expect(openWhole(sealed, [stranger])).rejects.toThrow("sealed for other keys");
  });

  test("is the same whatever parts it is sealed in, and however often", async () => {
    const plain = randomBytes(3 * CHUNK + 5_000);
    const seal = await createSeal([recipient]);
    const whole = await sealWhole(seal, plain);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: whole.byteLength }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 100_000 }),
        async (cuts, pieceBytes) => {
          const ends = [0, ...cuts.toSorted((a, b) => a - b), whole.byteLength];
          const parts: Uint8Array[] = [];
          for (const [at, offset] of ends.slice(0, -1).entries()) {
            const length = (ends[at + 1] ?? 0) - offset;
            const read = readerOf(plain, pieceBytes);
            parts.push(await sealRange(seal, plain.byteLength, { offset, length }, read));
          }
          expect(Buffer.compare(Buffer.concat(parts), whole)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("differs between two seals of the same bytes", async () => {
    const plain = Buffer.from("plain");
    const [one, two] = [await createSeal([recipient]), await createSeal([recipient])];
    expect(Buffer.compare(await sealWhole(one, plain), await sealWhole(two, plain))).not.toBe(0);
  });

  test("cannot be made of a file that is gone or shorter", async () => {
    const seal = await createSeal([recipient]);
    const range = { offset: 0, length: countSealedBytes(seal, 100) };
    await expect(sealRange(seal, 100, range, async () => undefined)).rejects.toMatchObject({
      code: "artifact-missing",
    });
    const short = async () => streamOf(new Uint8Array(99));
    await expect(sealRange(seal, 100, range, short)).rejects.toThrow("lacks 1 bytes");
  });
});

describe("a sealed file is refused", () => {
  let header = 0;
  let sealed: Uint8Array;
  beforeAll(async () => {
    const seal = await createSeal([recipient]);
    header = seal.header.byteLength;
    sealed = await sealWhole(seal, randomBytes(4 * CHUNK));
  });
  const chunk = (at: number) =>
    sealed.subarray(header + at * SEALED_CHUNK, header + (at + 1) * SEALED_CHUNK);
  const flip = (at: number) => {
    const changed = sealed.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    return changed;
  };

  test.each<[string, () => Uint8Array, string]>([
    ["if a byte was changed", () => flip(header + 2 * SEALED_CHUNK + 9), "after its plain byte "],
    ["if its last byte was changed", () => flip(sealed.byteLength - 1), "after its plain byte "],
    ["if its header was changed", () => flip(60), "its header was changed"],
    ["if its nonce was changed", () => flip(header - 1), "after its plain byte "],
    ["if it was cut between two chunks", () => sealed.subarray(0, -SEALED_CHUNK), "cut off"],
    ["if it was cut within a chunk", () => sealed.subarray(0, -5), "cut off"],
    ["if it was cut within its header", () => sealed.subarray(0, 50), "header was changed or cut"],
    ["if only its header is left", () => sealed.subarray(0, header), "cut off"],
    ["if bytes were added", () => Buffer.concat([sealed, Buffer.from("x")]), "changed"],
    [
      "if chunks were exchanged",
      () => Buffer.concat([sealed.subarray(0, header), chunk(1), chunk(0), chunk(2), chunk(3)]),
      "reordered",
    ],
    [
      "if a chunk was removed",
      () => Buffer.concat([sealed.subarray(0, header), chunk(0), chunk(2), chunk(3)]),
      "after its plain byte ",
    ],
    ["if it is another file", () => Buffer.from("SELECT 1;\n"), "not a file that age sealed"],
    ["if it is empty", () => new Uint8Array(), "not a file that age sealed"],
  ])("%s", async (_, make, reason) => {
    const error = await openWhole(make()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ name: "SealFault", message: expect.stringContaining(reason) });
  });

  test("if any byte of it was changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: sealed.byteLength - 1 }), async (at) => {
        await expect(openWhole(flip(at))).rejects.toMatchObject({ name: "SealFault" });
      }),
      { numRuns: 100 },
    );
  });
});

describe("keys", () => {
  test("are read from lists of recipients", async () => {
    const other = await identityToRecipient(stranger);
    expect(parseRecipients(undefined)).toEqual([]);
    expect(parseRecipients(` ${recipient},\n${other} `)).toEqual([recipient, other]);
  });

  test.each<[string, () => string, string]>([
    ["a private key", () => identity, "key 1 is private"],
    ["a misspelled key", () => `${recipient.slice(0, -1)}x`, "key 1 is misspelled"],
    ["another text", () => `${recipient} ssh-ed25519`, "key 2 is not an X25519 public key"],
    ["a post-quantum key", () => `age1pq1${"q".repeat(50)}`, "not an X25519 public key"],
    ["a key twice", () => `${recipient} ${recipient}`, "contains a key twice"],
    ["too many keys", () => `${recipient} `.repeat(21), "contains 21 keys"],
  ])("of %s are refused without being shown", (_, make, reason) => {
    const text = make();
    const fault = (): unknown => parseRecipients(text);
    expect(fault).toThrow(expect.objectContaining({ code: "configuration-invalid" }));
    expect(fault).toThrow(reason);
    expect(fault).not.toThrow(identity);
  });

  test("are read from an identity file with comments", () => {
    expect(parseIdentities(`# created: today\r\n\n${identity}\n`)).toEqual([identity]);
    expect(() => parseIdentities("# nothing\n")).toThrow("contains no private key");
    const bad = `${identity.slice(0, -1)}X`;
    expect(() => parseIdentities(bad)).toThrow("not a private key of age");
    expect(() => parseIdentities(bad)).not.toThrow(bad);
  });
});

/** The stock program, if this machine has it: the same checks run with the library's own code above. */
const hasAge = spawnSync("age", ["--version"]).status === 0;

describe.runIf(hasAge)("stock age", () => {
  const folder = mkdtempSync(join(tmpdir(), "age-"));
  const file = (name: string) => join(folder, name);
  afterAll(() => rmSync(folder, { recursive: true }));

  test("opens what is sealed here, and the reverse", async () => {
    writeFileSync(file("key.txt"), `${identity}\n`);
    for (const bytes of SIZES) {
      const plain = randomBytes(bytes);
      writeFileSync(file("a.age"), await sealWhole(await createSeal([recipient]), plain));
      const opened = spawnSync("age", ["-d", "-i", file("key.txt"), file("a.age")], {
        maxBuffer: 1e9,
      });
      expect(opened.stderr.toString()).toBe("");
      expect(Buffer.compare(opened.stdout, plain)).toBe(0);

      writeFileSync(file("plain"), plain);
      const sealed = spawnSync("age", ["-r", recipient, "-o", file("b.age"), file("plain")]);
      expect(sealed.stderr.toString()).toBe("");
      expect(Buffer.compare(await openWhole(readFileSync(file("b.age"))), plain)).toBe(0);
    }
  });
});

test("a file that the library seals opens, like one of ours", async () => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const plain = randomBytes(CHUNK + 3);
  expect(Buffer.compare(await openWhole(await encrypter.encrypt(plain)), plain)).toBe(0);
});
