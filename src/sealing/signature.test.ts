import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

import { encodeUtf8 } from "../lib/bytes.ts";
import {
  generateSigningKeys,
  isSignedBy,
  readPublicKey,
  readSigningKey,
  signManifest,
} from "./signature.ts";

const MANIFEST = encodeUtf8('{"version":2,"jobId":"é"}\n');
const folder = mkdtempSync(join(tmpdir(), "signature-"));
const file = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

async function readPublic(text: string): Promise<CryptoKey> {
  const key = await readPublicKey(text);
  if (key === undefined) throw new Error("it is no public key");
  return key;
}

describe("a manifest's signature", () => {
  test("holds for exactly its bytes and its key", async () => {
    const [keys, others] = [await generateSigningKeys(), await generateSigningKeys()];
    const key = await readPublic(keys.publicKey);
    const signature = new Uint8Array(
      await signManifest(await readSigningKey(keys.privateKey), MANIFEST),
    );
    expect(await isSignedBy(key, signature, MANIFEST)).toBe(true);
    expect(await isSignedBy(key, signature, encodeUtf8('{"version":2}'))).toBe(false);
    expect(await isSignedBy(await readPublic(others.publicKey), signature, MANIFEST)).toBe(false);
    expect(await isSignedBy(key, signature.slice(1), MANIFEST)).toBe(false);
    for (let at = 0; at < signature.byteLength; at += 1) {
      const changed = signature.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await isSignedBy(key, changed, MANIFEST)).toBe(false);
    }
  });

  test("is the raw one that openssl checks, with the public key as PEM", async () => {
    const keys = await generateSigningKeys();
    const key = await readSigningKey(keys.privateKey);
    writeFileSync(file("manifest.json"), MANIFEST);
    writeFileSync(file("manifest.json.sig"), await signManifest(key, MANIFEST));
    writeFileSync(file("key.pub"), keys.publicKey);
    const check = () =>
      spawnSync(
        "openssl",
        [
          "pkeyutl",
          "-verify",
          "-rawin",
          "-pubin",
          "-inkey",
          file("key.pub"),
          "-sigfile",
          file("manifest.json.sig"),
          "-in",
          file("manifest.json"),
        ],
        { encoding: "utf8" },
      );
    expect(check().stdout).toContain("Signature Verified Successfully");
    writeFileSync(file("manifest.json"), "{}");
    expect(check().status).not.toBe(0);
  });

  test("is made and checked with keys that openssl made", async () => {
    execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", file("a.pem")]);
    execFileSync("openssl", ["pkey", "-in", file("a.pem"), "-pubout", "-out", file("a.pub")]);
    const key = await readSigningKey(readFileSync(file("a.pem"), "utf8"));
    const signature = new Uint8Array(await signManifest(key, MANIFEST));
    const publicKey = await readPublic(readFileSync(file("a.pub"), "utf8"));
    expect(await isSignedBy(publicKey, signature, MANIFEST)).toBe(true);
  });
});

describe("keys", () => {
  test("are one line of base64, and PEM", async () => {
    const { privateKey, publicKey } = await generateSigningKeys();
    expect(privateKey).toMatch(/^[A-Za-z0-9+/]{64}$/);
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n\S{60}\n-----END PUBLIC KEY-----\n$/);
    expect(await readPublicKey(publicKey.split("\n")[1] ?? "")).toBeDefined();
  });

  test("that are no private keys are refused without being shown", async () => {
    const { privateKey, publicKey } = await generateSigningKeys();
    const texts = [
      "",
      "secret-words",
      publicKey,
      privateKey.slice(4),
      privateKey.replace(/^M/, "A"),
    ];
    for (const text of texts) {
      const error = await readSigningKey(text).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: "configuration-invalid" });
      const { message, cause } = error as Error;
      expect(cause).toBeUndefined();
      if (text !== "") expect(message).not.toContain(text.trim());
    }
  });

  test("that are no public keys are not read", async () => {
    const { privateKey, publicKey } = await generateSigningKeys();
    for (const text of ["", "words", privateKey, publicKey.replace(/\n\S/, "\nA")]) {
      expect(await readPublicKey(text)).toBeUndefined();
    }
  });
});
