import { formatBytes, formatCount, formatNumberOf } from "../cli/format.ts";
import { describeProved } from "../cli/restored-itself.ts";
import type { ExportRequestInput } from "../src/api/export-request.ts";
import type { JobView } from "../src/api/job-view.ts";
import type { Api } from "./api.ts";
import { loadFile } from "./load-file.ts";
import { printLine, since, withProgress } from "./progress.ts";
import type { LeftOut } from "./schema.ts";
import { type SourceFile, totalRows } from "./source-file.ts";

/** Loads a source file into the Worker's database, and returns what it cannot contain. */
export async function load(source: SourceFile, api: Api): Promise<LeftOut[]> {
  const startMs = Date.now();
  const total = totalRows(source);
  return withProgress("load", total, async (progress) => {
    const leftOut = await loadFile(source, api, (rows) => {
      progress.update(rows, `${formatCount(rows)} of ${formatCount(total)} rows`);
    });
    progress.end(`${formatNumberOf(total, "row")} through POST /query in ${since(startMs)}`);
    return leftOut;
  });
}

/**
 * Exports the database and downloads the dump. Throws unless the bytes on disk have the size and
 * SHA-256 that job view and manifest report.
 */
export async function exportDump(
  source: SourceFile,
  { api, dumpPath }: { api: Api; dumpPath: string },
): Promise<{ exported: { bytes: number; sha256: string }; proof: string }> {
  const { view, proof } = await exportProved(source, api);
  return { exported: await download(api, view, dumpPath), proof };
}

/**
 * Exports the database with a proof by a restore. If that fails, exports it without one, because rows
 * that break their own constraints cannot be restored into an object.
 */
export async function exportProved(
  source: SourceFile,
  api: Api,
  request: Omit<ExportRequestInput, "verify"> = {},
): Promise<{ view: JobView; proof: string }> {
  const first = await runExport(source, api, { ...request, verify: "restore" });
  const isCompleted = first.status === "completed";
  const view = isCompleted
    ? first
    : await runExport(source, api, { ...request, verify: "checksum" });
  for (const warning of view.warnings) printLine("warning", warning);
  const proof = describeProved(first.proof) ?? `failed: ${first.error?.message}`;
  return { view, proof };
}

async function runExport(
  source: SourceFile,
  api: Api,
  request: ExportRequestInput,
): Promise<JobView> {
  const startMs = Date.now();
  const total = totalRows(source);
  return withProgress("export", total, async (progress) => {
    const job = await api.startExport(request);
    const done = await api.waitForExport(job, ({ status, progress: made, proof }) => {
      const phase = proof.state === "running" ? "proving" : status;
      const text = `${phase}, ${formatCount(made.rows)} of ${formatCount(total)} rows, ${formatBytes(made.bytes)}`;
      progress.update(made.rows, text);
    });
    progress.end(`job ${done.jobId} ${done.status} in ${since(startMs)}`);
    return done;
  });
}

/** Throws unless the bytes on disk have the size and SHA-256 that job view and manifest report. */
async function download(
  api: Api,
  view: JobView,
  dumpPath: string,
): Promise<{ bytes: number; sha256: string }> {
  const startMs = Date.now();
  const artifact = view.artifacts[0];
  if (artifact === undefined) throw new Error("the completed job has no artifact");
  const stored = await withProgress("download", artifact.bytes, async (progress) => {
    const onBytes = (bytes: number) => progress.update(bytes, formatBytes(bytes));
    const got = await api.download(view.links.download, { path: dumpPath, onBytes });
    progress.end(`${formatBytes(got.bytes)} in ${since(startMs)}`);
    return got;
  });
  const manifest = await api.manifest(view);
  const listed = manifest.artifacts.find(({ name }) => name === artifact.name);
  for (const [where, reported] of [
    ["job view", artifact],
    ["manifest", listed],
  ] as const) {
    if (reported?.sha256 === stored.sha256 && reported.bytes === stored.bytes) continue;
    throw new Error(
      `the ${where} reports ${reported?.bytes} bytes with SHA-256 ${reported?.sha256}, but the download has ${stored.bytes} with ${stored.sha256}`,
    );
  }
  printLine("checksum", `SHA-256 ${stored.sha256} matches job view and manifest`);
  return stored;
}
