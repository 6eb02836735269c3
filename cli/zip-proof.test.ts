import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import fc from "fast-check";
import { expect, test } from "vitest";

import { ZipLayout } from "../src/lib/zip-layout.ts";
import type { ManifestText } from "./answers.ts";
import { ZipProof } from "./zip-proof.ts";

interface File {
  name: string;
  content: Buffer;
}

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A ZIP as the Worker makes it. */
function zipOf(files: File[]): Buffer {
  const entries = files.map((file) => ({
    ...file,
    bytes: file.content.length,
    crc32: crc32(file.content),
  }));
  const layout = new ZipLayout(entries, 0);
  const stretches = [...layout.stretches({ offset: 0, length: layout.bytes })];
  return Buffer.concat(
    stretches.map((stretch) => (stretch.kind === "own" ? stretch.bytes : stretch.entry.content)),
  );
}

/** The manifest's text is that of `MANIFEST`; what is read of it names the files. */
function manifestOf(files: File[]): ManifestText {
  const artifacts = files.map(({ name, content }) => ({
    name,
    bytes: content.length,
    sha256: sha256Of(content),
    chunks: [],
  }));
  const manifest = {
    jobId: "job",
    source: "main",
    format: "csv",
    compression: "none",
    consistency: "live",
    content: "all",
    snapshotAt: "",
    tables: [],
    artifacts,
    proof: null,
    masked: [],
    warnings: [],
  };
  return { text: MANIFEST.content.toString(), manifest };
}

function judge(
  files: File[],
  zip: Buffer,
  chunkBytes = zip.length,
  kept: ManifestText = manifestOf(files),
): boolean {
  const proof = new ZipProof(kept);
  for (let at = 0; at < zip.length; at += chunkBytes)
    proof.update(zip.subarray(at, at + chunkBytes));
  const { isProved, sha256 } = proof.end();
  expect(sha256).toBe(sha256Of(zip));
  return isProved;
}

const MANIFEST: File = { name: "manifest.json", content: Buffer.from("{}") };
const FILES: File[] = [
  { name: "a.csv", content: Buffer.from("PK\u0003\u0004 is in it") },
  { name: "é.csv", content: Buffer.alloc(0) },
  { name: "c.csv", content: Buffer.alloc(70_000, "c") },
];

test("proves the Worker's ZIP, however its bytes come", () => {
  const zip = zipOf([MANIFEST, ...FILES]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (chunkBytes) => judge(FILES, zip, chunkBytes)),
  );
  expect(judge([], zipOf([MANIFEST]))).toBe(true);
  expect(judge([], zipOf([]))).toBe(false);
});

test("refuses one that lacks a file, has one more, has one twice, or has other bytes", () => {
  const [a, b, c] = FILES as [File, File, File];
  expect(judge(FILES, zipOf([MANIFEST, a, b]))).toBe(false);
  expect(judge([a, b], zipOf([MANIFEST, ...FILES]))).toBe(false);
  expect(judge(FILES, zipOf([MANIFEST, a, a, b, c]))).toBe(false);
  expect(judge(FILES, zipOf([MANIFEST, a, b, { ...c, content: Buffer.alloc(70_000, "d") }]))).toBe(
    false,
  );
  expect(judge(FILES, zipOf([MANIFEST, a, b, { ...c, content: Buffer.alloc(69_999, "c") }]))).toBe(
    false,
  );
});

test("refuses one that ends before its directory, and what is no ZIP", () => {
  const zip = zipOf([MANIFEST, ...FILES]);
  const directory = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  for (const end of [0, 3, 20, 40, 60, directory - 1, directory, directory + 3]) {
    expect(judge(FILES, zip.subarray(0, end))).toBe(false);
  }
  expect(judge(FILES, Buffer.from("id,name\r\n1,x\r\n".repeat(100)))).toBe(false);
});

test("requires the signature if the manifest is signed, and the same one if it is known", () => {
  const name = "manifest.json.sig";
  const signature = { name, content: Buffer.alloc(64, "s") };
  const { text, manifest } = manifestOf(FILES);
  const signed = { text, manifest: { ...manifest, signed: true } };
  const known = { ...signed, signature: new Uint8Array(signature.content) };
  const judgeAs = (kept: ManifestText, ...head: File[]): boolean => {
    const zip = zipOf([...head, ...FILES]);
    return judge(FILES, zip, zip.length, kept);
  };
  for (const kept of [signed, known]) {
    expect(judgeAs(kept, MANIFEST, signature)).toBe(true);
    expect(judgeAs(kept, MANIFEST)).toBe(false);
    expect(judgeAs(kept, MANIFEST, { name, content: Buffer.alloc(63, "s") })).toBe(false);
  }
  const other = { name, content: Buffer.alloc(64, "t") };
  expect(judgeAs(signed, MANIFEST, other)).toBe(true);
  expect(judgeAs(known, MANIFEST, other)).toBe(false);
  expect(judgeAs({ text, manifest }, MANIFEST, signature)).toBe(false);
});

test("refuses the same files with another job's manifest", () => {
  const other = { ...MANIFEST, content: Buffer.from("[]") };
  expect(judge(FILES, zipOf([other, ...FILES]))).toBe(false);
  expect(judge(FILES, zipOf(FILES))).toBe(false);
});

test("reads a size from its ZIP64 record, and takes no file whose size stands behind it", () => {
  const content = Buffer.from("large");
  const large = { name: "a.csv", bytes: 5 * 1024 ** 3, crc32: 0 };
  const [header] = new ZipLayout([large], 0).stretches({ offset: 0, length: 200 });
  if (header?.kind !== "own") throw new Error("no header");
  const patched = Buffer.from(header.bytes);
  const record = patched.length - 16;
  expect(patched.readBigUInt64LE(record)).toBe(BigInt(large.bytes));
  patched.writeBigUInt64LE(BigInt(content.length), record);
  const ending = zipOf([MANIFEST]);
  const files = [{ name: "a.csv", content }];
  expect(judge(files, Buffer.concat([patched, content, ending]))).toBe(true);
  patched.writeUInt16LE(1 << 3, 6);
  expect(judge(files, Buffer.concat([patched, content, ending]))).toBe(false);
});
