import { useRef, useState } from "preact/hooks";

import { COMPRESSIONS, findFileCompression } from "../../src/api/compressions.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { Icon } from "../parts/icon.tsx";
import { Note, ProblemNote } from "../parts/notes.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { Bytes, CopiedText } from "../parts/values.tsx";
import { isAvailable, labelOf } from "../state/databases.ts";
import { useNow, usePage } from "../state/page-context.ts";
import { isAbort, type Problem, toProblem } from "../state/problem.ts";
import { canSave, saveFile } from "../state/save-file.ts";
import { apiUrl } from "../state/session.ts";

/** A job's files. Downloads are calls with the token, never links that contain it. */
export function ExportFiles({ job }: { job: JobView }) {
  const { store, announce } = usePage();
  const now = useNow(30_000);
  const [progress, setProgress] = useState<{ name: string; percent: number | null } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const abort = useRef<AbortController>(undefined);
  if (!isAvailable(job, now)) return null;

  const save = async (
    name: string,
    bytes: number,
    open: (signal: AbortSignal) => Promise<Response>,
  ): Promise<void> => {
    abort.current = new AbortController();
    const { signal } = abort.current;
    setProblem(null);
    setProgress({ name, percent: 0 });
    try {
      await saveFile(() => open(signal), {
        name,
        bytes,
        onProgress: (read) =>
          setProgress({ name, percent: bytes === 0 ? null : Math.min(100, (100 * read) / bytes) }),
      });
      announce(`Downloaded ${name}.`);
    } catch (error) {
      if (!isAbort(error)) setProblem(toProblem(error));
    }
    setProgress(null);
  };
  const prefix = `${labelOf(job.source, job.object).replaceAll(/[^\w.-]+/g, "-")}-${stampOf(job)}`;
  const { jobId, artifacts } = job;
  const total = artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <section aria-labelledby="files">
      <div class="heading">
        <h2 id="files">Files</h2>
        <div class="actions">
          <button
            type="button"
            disabled={progress !== null}
            onClick={() =>
              void save(`${prefix}-manifest.json`, 0, async (signal) => {
                const manifest = await store.client.manifest(jobId, { signal });
                return new Response(`${JSON.stringify(manifest, null, 2)}\n`);
              })
            }
          >
            <Icon name="download" /> Manifest
          </button>
          {artifacts.length > 1 && canSave(total) && (
            <button
              type="button"
              disabled={progress !== null}
              onClick={() =>
                void save(`${prefix}.zip`, total, (signal) =>
                  store.client.download(jobId, { signal }),
                )
              }
            >
              <Icon name="download" /> All as ZIP
            </button>
          )}
        </div>
      </div>
      {progress !== null && (
        <div class="card">
          <p>Downloading {progress.name}</p>
          <ProgressBar percent={progress.percent} label={`Download of ${progress.name}`} />
          <button type="button" onClick={() => abort.current?.abort()}>
            Stop the download
          </button>
        </div>
      )}
      {problem !== null && <ProblemNote problem={problem} />}
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">SHA-256</th>
            <th scope="col">
              <span class="hidden">Download</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {artifacts.map(({ name, bytes, sha256 }) => (
            <tr key={name}>
              <th scope="row" class="name">
                {name}
              </th>
              <td data-label="Size" class="number">
                <Bytes value={bytes} />
              </td>
              <td data-label="SHA-256">
                {sha256 === null ? "–" : <CopiedText text={sha256} what="SHA-256" shown={12} />}
              </td>
              <td class="actions end">
                <button
                  type="button"
                  aria-label={`Download ${name}`}
                  disabled={progress !== null || !canSave(bytes)}
                  onClick={() =>
                    void save(nameOf(job, name, prefix), bytes, (signal) =>
                      store.client.download(jobId, { artifact: name, signal }),
                    )
                  }
                >
                  <Icon name="download" /> Download
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!canSave(total) && (
        <Note tone="info" icon="download" title="This browser cannot save files of this size">
          <p>Use the command line, which also resumes and verifies:</p>
          <pre>
            <code>{`DURABLE_EXPORT_URL=${apiUrl()} npx durable-export download ${jobId}`}</code>
          </pre>
        </Note>
      )}
    </section>
  );
}

/** The instant of a backup in the name of its file: 20261128T031700Z. */
function stampOf({ snapshotAt, createdAt }: JobView): string {
  return (snapshotAt ?? createdAt).replaceAll(/[-:]|\.\d+/g, "");
}

/** A single file is named for its database and instant, because it leaves its job. */
function nameOf(job: JobView, name: string, prefix: string): string {
  const { artifacts } = job;
  if (artifacts.length > 1) return name.replaceAll(/[/\\]/g, "_");
  const { suffix } = COMPRESSIONS[findFileCompression(job)];
  const extension = /\.\w+$/.exec(name.slice(0, name.length - suffix.length))?.[0] ?? "";
  return `${prefix}${extension}${suffix}`;
}
