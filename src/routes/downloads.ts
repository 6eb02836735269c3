import { type Context, Hono } from "hono";

import { getExportJobs } from "../env.ts";
import { fromHex, toBase64 } from "../lib/bytes.ts";
import type { ArtifactRecord } from "../model/checkpoint.ts";
import { ExportError, unwrap } from "../model/error.ts";
import { isActive } from "../model/job-state.ts";
import type { DownloadInfo } from "../storage/export-jobs.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import type { AppEnv } from "./app-env.ts";
import { parseRange } from "./byte-range.ts";
import { jobIdOf } from "./jobs.ts";

/** A job's files and its manifest. Hono answers HEAD from the GET handlers, whose body is then dropped. */
export const downloadRoutes = new Hono<AppEnv>()
  .get("/export/dump/:jobId/download", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const [artifact, ...others] = info.artifacts;
    if (artifact === undefined) {
      throw new ExportError("artifact-not-found", "the job has no artifact");
    }
    if (others.length > 0) {
      throw new ExportError(
        "artifact-not-found",
        `the job has ${info.artifacts.length} artifacts: ask for one of them by its name`,
      );
    }
    return sendArtifact(context, info, artifact);
  })
  .get("/export/dump/:jobId/download/:artifact", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const name = context.req.param("artifact");
    const artifact = info.artifacts.find((each) => each.name === name);
    if (artifact === undefined) {
      throw new ExportError(
        "artifact-not-found",
        `the job has no artifact ${JSON.stringify(name)}`,
      );
    }
    return sendArtifact(context, info, artifact);
  })
  .get("/export/dump/:jobId/manifest", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const body =
      info.manifestKey === null
        ? undefined
        : await openArtifactStore(context.env).read(info.manifestKey);
    if (body === undefined)
      throw new ExportError("artifact-missing", "the manifest is not in the store");
    return context.body(body, 200, { "content-type": "application/json" });
  });

/** Errors: `job-not-found`, `export-not-finished`, `export-expired`, `export-not-downloadable`. */
async function downloadInfo(context: Context<AppEnv>, jobId: string): Promise<DownloadInfo> {
  const info = unwrap(await getExportJobs(context.env).download(jobIdOf(jobId)));
  if (info.state === "completed") return info;
  if (isActive(info.state)) {
    throw new ExportError("export-not-finished", `the job is ${info.state}`);
  }
  if (info.state === "expired") throw new ExportError("export-expired", "the job's files are gone");
  throw new ExportError("export-not-downloadable", `the job is ${info.state}`);
}

async function sendArtifact(
  context: Context<AppEnv>,
  info: DownloadInfo,
  artifact: ArtifactRecord,
): Promise<Response> {
  const sha256 = artifact.sha256 ?? "";
  const etag = `"${sha256}"`;
  const headers = new Headers({
    etag,
    "accept-ranges": "bytes",
    "cache-control": "private, no-transform",
    "last-modified": new Date(info.completedAtMs ?? 0).toUTCString(),
    "repr-digest": `sha-256=:${toBase64(fromHex(sha256))}:`,
  });
  if (listsTag(context.req.header("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  headers.set("content-type", artifact.contentType);
  headers.set("content-disposition", contentDisposition(artifact.name));
  const condition = context.req.header("if-range");
  const range =
    condition !== undefined && condition !== etag && condition !== headers.get("last-modified")
      ? "whole"
      : parseRange(context.req.header("range"), artifact.bytes);
  if (range === "unsatisfiable") {
    return problemForRange(artifact.bytes);
  }
  const store = openArtifactStore(context.env);
  const length = range === "whole" ? artifact.bytes : range.length;
  headers.set("content-length", String(length));
  if (range !== "whole") {
    const last = range.offset + range.length - 1;
    headers.set("content-range", `bytes ${range.offset}-${last}/${artifact.bytes}`);
  }
  const status = range === "whole" ? 200 : 206;
  if (context.req.method === "HEAD") {
    if ((await store.find(artifact.objectKey)) === undefined) throw missing(artifact);
    return new Response(null, { status, headers });
  }
  const body = await store.read(artifact.objectKey, range === "whole" ? undefined : range);
  if (body === undefined) throw missing(artifact);
  return new Response(body.pipeThrough(new FixedLengthStream(length)), { status, headers });
}

function missing(artifact: ArtifactRecord): ExportError {
  return new ExportError("artifact-missing", `${artifact.name} is not in the store any more`);
}

function problemForRange(size: number): never {
  throw new ExportError("range-not-satisfiable", `the file has ${size} bytes`, {
    details: { size },
  });
}

/** True where `If-None-Match` lists `etag` or is `*`. */
function listsTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === etag || tag === "*");
}

/** RFC 6266: a plain name for every client, and the exact one in UTF-8. */
export function contentDisposition(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%/]/g, "_");
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
