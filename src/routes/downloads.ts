import { type Context, Hono } from "hono";

import { getExportJobs } from "../config/bindings.ts";
import type { ArtifactRecord } from "../rpc/checkpoint.ts";
import { unwrap } from "../rpc/outcome.ts";
import { ExportError } from "../api/errors.ts";
import { isActive } from "../api/job-state.ts";
import type { ArtifactStore } from "../storage/artifact-store.ts";
import type { DownloadInfo } from "../rpc/http-jobs.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import { readRanges } from "./files/read-ranges.ts";
import type { AppEnv } from "./app-env.ts";
import { archiveOf } from "./files/archive.ts";
import { jobIdOf } from "./jobs.ts";
import { type SentFile, sendFile } from "./files/send-file.ts";

/** A job's files and its manifest. Hono answers HEAD from the GET handlers, whose body is then dropped. */
export const downloadRoutes = new Hono<AppEnv>()
  .get("/export/dump/:jobId/download", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const store = openArtifactStore(context.env);
    const [artifact, ...others] = info.artifacts;
    const file =
      artifact !== undefined && others.length === 0
        ? artifactFile(info, artifact, store)
        : archiveOf(info, store, await readManifest(info, store));
    return sendFile(context, file);
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
    return sendFile(context, artifactFile(info, artifact, openArtifactStore(context.env)));
  })
  .get("/export/dump/:jobId/manifest", async (context) => {
    const info = await downloadInfo(context, context.req.param("jobId"));
    const body = await openManifest(info, openArtifactStore(context.env));
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

/** Errors: `artifact-missing`. */
async function openManifest(
  { manifestKey }: DownloadInfo,
  store: ArtifactStore,
): Promise<ReadableStream<Uint8Array>> {
  const body = manifestKey === null ? undefined : await store.read(manifestKey);
  if (body !== undefined) return body;
  throw new ExportError("artifact-missing", "the manifest is not in the store");
}

async function readManifest(info: DownloadInfo, store: ArtifactStore): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await openManifest(info, store)).arrayBuffer());
}

/** An artifact as it lies in the store. */
function artifactFile(
  { completedAtMs }: DownloadInfo,
  { name, contentType, bytes, objectKey, sha256 }: ArtifactRecord,
  store: ArtifactStore,
): SentFile {
  const missing = (): ExportError =>
    new ExportError("artifact-missing", `${name} is not in the store any more`);
  return {
    name,
    contentType,
    bytes,
    tag: sha256 ?? "",
    sha256: sha256 ?? "",
    modifiedAtMs: completedAtMs ?? 0,
    check: async () => {
      if ((await store.find(objectKey)) === undefined) throw missing();
    },
    open: async (range = { offset: 0, length: bytes }) => {
      const bodies = readRanges(store, { key: objectKey, name }, range);
      // A missing file can still be answered with 404 before the first byte is sent.
      const first = await bodies.next();
      const { readable, writable } = new FixedLengthStream(range.length);
      if (first.done !== true) void sendAll(first.value, bodies, writable);
      return readable;
    },
  };
}

/** Sends streams one after the other; if that fails the response breaks, and nobody takes it for whole. */
async function sendAll(
  first: ReadableStream<Uint8Array>,
  others: AsyncIterable<ReadableStream<Uint8Array>>,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  try {
    await first.pipeTo(writable, { preventClose: true });
    for await (const body of others) await body.pipeTo(writable, { preventClose: true });
    await writable.close();
  } catch (cause) {
    console.warn({ message: "a file was not sent to its end", cause: String(cause) });
    await writable.abort(cause).catch(() => {});
  }
}
