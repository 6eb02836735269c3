import { createHash } from "node:crypto";

import { ExportError } from "../../api/errors.ts";
import { PARTS_MAX } from "../../api/limits.ts";
import { encodeUtf8, fromBase64, toHex } from "../../lib/bytes.ts";
import type { StoredObject, StoredPart } from "../../rpc/stored-object.ts";
import {
  type ArtifactStore,
  type ByteRange,
  type PartsChecksum,
  requireWholeList,
} from "../artifact-store.ts";
import { type S3Bucket, S3Client, type S3ClientOptions } from "./s3-client.ts";
import { findElement, writePartList } from "./s3-xml.ts";

/** How many objects are removed at a time: workerd opens at most six connections. */
const DELETES_AT_ONCE = 5;

/** What an upload id starts with if the store computes a checksum of each of its parts. */
const CHECKED = "sha256:";
/** Between a part's ETag and its SHA-256 in base64. */
const SHA256_MARK = "+sha256:";

/** Codes for a store that cannot compute checksums, instead of ignoring the request. */
const NO_CHECKSUMS = ["NotImplemented", "InvalidArgument", "InvalidRequest", 501] as const;

/**
 * Returns a store that keeps artifacts in a bucket of any S3 service. Each request is repeated a
 * few times with growing waits if it fails for a passing reason. Errors, in addition to those of
 * the port: `destination-refused` if the bucket, its credentials, its region or a clock is wrong;
 * `configuration-invalid` if the endpoint's host is private.
 *
 * Upload ids and ETags are the store's own with a mark of ours: keep them as they are.
 */
export function s3ArtifactStore(
  bucket: S3Bucket,
  options: S3ClientOptions,
): Required<ArtifactStore> {
  const client = new S3Client(bucket, options);

  const head = async (
    key: string,
    headers: Record<string, string> = {},
  ): Promise<Headers | undefined> => {
    const answer = await client.sendUnless([404], key, { method: "HEAD", headers });
    return answer?.headers;
  };
  const find = async (key: string): Promise<StoredObject | undefined> => {
    const headers = await head(key);
    return headers && { bytes: Number(headers.get("content-length")), etag: readEtag(headers) };
  };

  return {
    billedOperations: { write: 0 },
    usesJobsDatabase: false,
    put: async (key, bytes, { contentType }) => {
      const headers = { "content-type": contentType };
      const answer = await client.send(key, { method: "PUT", headers, body: copyOf(bytes) });
      return { bytes: bytes.byteLength, etag: readEtag(answer.headers) };
    },
    createUpload: async (key, { contentType }) => {
      const plain = { "content-type": contentType };
      const checked = { ...plain, "x-amz-checksum-algorithm": "SHA256" };
      const request = { method: "POST", query: { uploads: "" } } as const;
      const answer =
        (await client.sendUnless(NO_CHECKSUMS, key, { ...request, headers: checked })) ??
        (await client.send(key, { ...request, headers: plain }));
      const uploadId = findElement(answer.text, "UploadId");
      if (uploadId === undefined) {
        throw new ExportError("destination-refused", "the endpoint is not that of an S3 service");
      }
      const isChecked = answer.headers.get("x-amz-checksum-algorithm") === "SHA256";
      return isChecked ? `${CHECKED}${uploadId}` : uploadId;
    },
    putPart: async ({ key, uploadId }, number, bytes) => {
      if (number > PARTS_MAX) {
        throw new ExportError("artifact-too-large", `an artifact has at most ${PARTS_MAX} parts`);
      }
      const query = { partNumber: `${number}`, uploadId: toServiceId(uploadId) };
      const body = copyOf(bytes);
      const isChecked = uploadId.startsWith(CHECKED);
      const sha256 = isChecked ? createHash("sha256").update(body).digest("base64") : undefined;
      const headers: Record<string, string> =
        sha256 === undefined ? {} : { "x-amz-checksum-sha256": sha256 };
      const answer = await client.send(key, { method: "PUT", query, headers, body });
      const etag = readEtag(answer.headers);
      const mark = sha256 === undefined ? "" : `${SHA256_MARK}${sha256}`;
      return { number, bytes: bytes.byteLength, etag: `${etag}${mark}` };
    },
    completeUpload: async ({ key, uploadId }, parts) => {
      requireWholeList(parts);
      requireEqualLengths(parts);
      const query = { uploadId: toServiceId(uploadId) };
      const body = encodeUtf8(writePartList(parts.map(toListedPart)));
      const answer = await client.sendUnless(["NoSuchUpload"], key, {
        method: "POST",
        query,
        body,
      });
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      // An earlier attempt may have succeeded although its answer was lost.
      const object = await find(key);
      if (object?.bytes === bytes) return object;
      throw new ExportError(
        "artifact-corrupt",
        answer === undefined
          ? "the upload is gone"
          : `the object has ${object?.bytes ?? "no"} bytes, but its parts have ${bytes}`,
      );
    },
    abortUpload: async ({ key, uploadId }) => {
      const query = { uploadId: toServiceId(uploadId) };
      await client.sendUnless(["NoSuchUpload", 404], key, { method: "DELETE", query });
    },
    find,
    findChecksum: async (key) => {
      const headers = await head(key, { "x-amz-checksum-mode": "ENABLED" });
      return parsePartsChecksum(headers?.get("x-amz-checksum-sha256") ?? "");
    },
    read: async (key, range) => {
      // No header can request a range without bytes.
      if (range?.length === 0) return (await find(key)) && emptyStream();
      const headers: Record<string, string> =
        range === undefined ? {} : { range: writeRange(range) };
      const response = await client.open(key, { method: "GET", headers });
      if (response === undefined) return undefined;
      if (range !== undefined && response.status !== 206) {
        await response.body?.cancel();
        throw new ExportError("destination-refused", "the bucket's service ignores ranges");
      }
      return response.body ?? emptyStream();
    },
    delete: async (keys) => {
      // Not DeleteObjects: its XML cannot contain every character of a key, and some services
      // require an MD5 or lack it.
      for (let at = 0; at < keys.length; at += DELETES_AT_ONCE) {
        const slice = keys.slice(at, at + DELETES_AT_ONCE);
        await Promise.all(slice.map((key) => client.sendUnless([404], key, { method: "DELETE" })));
      }
    },
  };
}

/** S3 accepts parts of different lengths, but a resumed copy cuts all at the same length. */
function requireEqualLengths(parts: readonly StoredPart[]): void {
  const length = parts[0]?.bytes ?? 0;
  const last = parts.length - 1;
  const equal = parts.every(({ bytes }, at) => (at === last ? bytes <= length : bytes === length));
  if (!equal) throw new ExportError("artifact-corrupt", "the parts differ in length");
}

function toListedPart({ number, etag }: StoredPart): Parameters<typeof writePartList>[0][number] {
  const [serviceEtag = "", sha256] = etag.split(SHA256_MARK);
  return { number, etag: serviceEtag, sha256 };
}

function toServiceId(uploadId: string): string {
  return uploadId.startsWith(CHECKED) ? uploadId.slice(CHECKED.length) : uploadId;
}

function readEtag(headers: Headers): string {
  return (headers.get("etag") ?? "").replace(/^W\//, "").replaceAll('"', "");
}

/** Parses the checksum of a multipart object, such as `4Jb…=-12`. */
function parsePartsChecksum(text: string): PartsChecksum | undefined {
  const [, base64 = "", parts] = /^([A-Za-z0-9+/]{43}=)-(\d+)$/.exec(text) ?? [];
  return parts === undefined
    ? undefined
    : { sha256: toHex(fromBase64(base64)), parts: Number(parts) };
}

function writeRange({ offset, length }: ByteRange): string {
  return `bytes=${offset}-${offset + length - 1}`;
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new Blob([]).stream();
}

/** The caller may write to its buffer while the request is repeated. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
