import { ExportError } from "../../api/errors.ts";

/** The place of a bucket, and the form of its URLs. */
export interface S3Location {
  /** An https URL, or http in local development; its path comes before the bucket. */
  endpoint: string;
  bucket: string;
  /** True for `https://host/bucket/key`; false for `https://bucket.host/key`. */
  pathStyle: boolean;
}

/** A key's longest length in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html. */
const KEY_BYTES_MAX = 1_024;

/**
 * Returns the URL of an object, with every character escaped as Signature Version 4 requires. Errors: `destination-refused` for a key that no URL can contain, or that S3
 * does not accept.
 */
export function toObjectUrl(location: S3Location, key: string): URL {
  const fault = findKeyFault(key);
  if (fault !== undefined) {
    throw new ExportError("destination-refused", `a key cannot be stored in S3: it ${fault}`);
  }
  const endpoint = new URL(location.endpoint);
  const base = endpoint.pathname.replace(/\/+$/, "");
  const path = key.split("/").map(escapeSegment).join("/");
  if (!location.pathStyle) endpoint.hostname = `${location.bucket}.${endpoint.hostname}`;
  const bucket = location.pathStyle ? `/${escapeSegment(location.bucket)}` : "";
  return new URL(`${endpoint.origin}${base}${bucket}/${path}`);
}

function findKeyFault(key: string): string | undefined {
  if (key === "") return "is empty";
  if (!key.isWellFormed()) return "is not Unicode text";
  const bytes = new TextEncoder().encode(key).byteLength;
  if (bytes > KEY_BYTES_MAX) return `has ${bytes} bytes, but at most ${KEY_BYTES_MAX} are allowed`;
  // URL parsing resolves these segments, even if they are escaped.
  if (key.split("/").some((segment) => segment === "." || segment === "..")) {
    return "contains a `.` or `..` segment";
  }
  return undefined;
}

function escapeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
