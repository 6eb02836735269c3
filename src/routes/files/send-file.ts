import type { Context } from "hono";

import { fromHex, toBase64 } from "../../lib/bytes.ts";
import { ExportError } from "../../api/errors.ts";
import type { ByteRange } from "../../storage/artifact-store.ts";
import type { AppEnv } from "../app-env.ts";
import { parseRange } from "./byte-range.ts";
import { formatContentDisposition } from "./content-disposition.ts";

/** A file to send to a client, whole or in part. Its bytes never change. */
export interface SentFile {
  name: string;
  contentType: string;
  bytes: number;
  /** Without quotes; files with the same tag have the same bytes. */
  tag: string;
  /** In hex; null if only the hashes of its parts are known. */
  sha256: string | null;
  modifiedAtMs: number;
  /** Errors: `artifact-missing` if the store no longer has it. */
  check(): Promise<void>;
  /**
   * Returns its bytes, or those of a range, as a stream whose length the runtime knows: it breaks
   * if it cannot deliver all of them. Errors: as `check`.
   */
  open(range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
}

/**
 * Answers GET and HEAD with a file, with the ranges and conditions of RFC 9110. Errors:
 * `range-not-satisfiable`.
 */
export async function sendFile(context: Context<AppEnv>, file: SentFile): Promise<Response> {
  const etag = `"${file.tag}"`;
  const headers = new Headers({
    etag,
    "accept-ranges": "bytes",
    "cache-control": "private, no-transform",
    "last-modified": new Date(file.modifiedAtMs).toUTCString(),
  });
  if (file.sha256 !== null) {
    headers.set("repr-digest", `sha-256=:${toBase64(fromHex(file.sha256))}:`);
  }
  if (listsTag(context.req.header("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  headers.set("content-type", file.contentType);
  headers.set("content-disposition", formatContentDisposition(file.name));
  const isHead = context.req.method === "HEAD";
  const condition = context.req.header("if-range");
  const isOther =
    condition !== undefined && condition !== etag && condition !== headers.get("last-modified");
  // Only GET has ranges: RFC 9110, 14.2.
  const range = isHead || isOther ? "whole" : parseRange(context.req.header("range"), file.bytes);
  if (range === "unsatisfiable") {
    throw new ExportError("range-not-satisfiable", `the file has ${file.bytes} bytes`, {
      details: { size: file.bytes },
    });
  }
  const length = range === "whole" ? file.bytes : range.length;
  headers.set("content-length", String(length));
  if (range !== "whole") {
    const last = range.offset + range.length - 1;
    headers.set("content-range", `bytes ${range.offset}-${last}/${file.bytes}`);
  }
  const status = range === "whole" ? 200 : 206;
  if (isHead) {
    await file.check();
    return new Response(null, { status, headers });
  }
  const body = await file.open(range === "whole" ? undefined : range);
  return new Response(body, { status, headers });
}

/** True if `If-None-Match` lists `etag` or is `*`. */
function listsTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === etag || tag === "*");
}
