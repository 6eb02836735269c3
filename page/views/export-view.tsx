import { useState } from "preact/hooks";

import { findFormat } from "../../src/api/formats.ts";
import { isActive } from "../../src/api/job-state.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { ProofBadge, StateBadge } from "../parts/badges.tsx";
import { Hint } from "../parts/hint.tsx";
import { Icon } from "../parts/icon.tsx";
import { Note, ProblemNote, Skeleton } from "../parts/notes.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { Bytes, Count, Duration } from "../parts/values.tsx";
import { formatBytes } from "../format/units.ts";
import { isAvailable, labelOf } from "../state/databases.ts";
import { describeWaiting } from "../state/job-facts.ts";
import { useAbilities, useNow, usePage, usePageData } from "../state/page-context.ts";
import { useJob } from "../state/use-job.ts";
import { CancelExportDialog, DeleteExportDialog } from "./end-export-dialogs.tsx";
import { ExportFacts } from "./export-facts.tsx";
import { ExportFiles } from "./export-files.tsx";
import { RestoreDialog } from "./restore-dialog.tsx";
import { Heading } from "../parts/heading.tsx";
import { StartExportDialog } from "./start-export-dialog.tsx";

/** One export: its progress as it happens, its files, its cost, and what can be done with it. */
export function ExportView({ jobId }: { jobId: string }) {
  const { store } = usePage();
  const known = usePageData().exports.jobs.find((job) => job.jobId === jobId) ?? null;
  const { job, problem } = useJob<JobView>(jobId, known, {
    get: (id, options) => store.client.get(id, options),
    events: (id, options) => store.client.events(id, options),
    put: (view) => store.putExport(view),
  });
  if (job === null) {
    return (
      <>
        <Heading title="Export" />
        {problem === null ? <Skeleton lines={5} /> : <ProblemNote problem={problem} />}
      </>
    );
  }
  return (
    <>
      <Heading
        title={`Export of ${labelOf(job.source, job.object)}`}
        badge={
          <>
            <StateBadge state={job.status} />
            <ProofBadge proof={job.proof} />
          </>
        }
        actions={<ExportActions job={job} />}
      />
      {problem !== null && <ProblemNote problem={problem} />}
      {job.error !== null && (
        <Note tone="bad" icon="cross" title={`${job.error.code}: ${job.error.message}`}>
          <p>
            <strong>What to do:</strong> <Hint text={job.error.hint} />
          </p>
        </Note>
      )}
      {isActive(job.status) && <Progress job={job} />}
      {job.warnings.length > 0 && (
        <Note tone="warn" icon="warning" title={`Warnings: ${job.warnings.length}`}>
          <ul>
            {job.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Note>
      )}
      <ExportFiles job={job} />
      <ExportFacts job={job} />
      <Tables job={job} />
    </>
  );
}

type Asked = "again" | "cancel" | "delete" | "restore";

function ExportActions({ job }: { job: JobView }) {
  const { mayStart, mayChange } = useAbilities();
  const now = useNow(30_000);
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = (): void => setAsked(null);
  const canRestore = isAvailable(job, now) && findFormat(job.format)?.isSqlScript === true;
  return (
    <>
      {mayChange && canRestore && (
        <button type="button" onClick={() => setAsked("restore")}>
          <Icon name="restore" /> Restore
        </button>
      )}
      {mayStart && !isActive(job.status) && (
        <button type="button" onClick={() => setAsked("again")}>
          <Icon name="plus" /> Export again
        </button>
      )}
      {mayStart && isActive(job.status) && (
        <button type="button" class="danger" onClick={() => setAsked("cancel")}>
          <Icon name="stop" /> Cancel
        </button>
      )}
      {mayChange && !isActive(job.status) && (
        <button type="button" class="danger" onClick={() => setAsked("delete")}>
          <Icon name="trash" /> Delete
        </button>
      )}
      {asked === "again" && (
        <StartExportDialog
          source={job.source}
          object={job.object}
          format={job.format}
          compression={job.compression}
          onClose={close}
        />
      )}
      {asked === "cancel" && <CancelExportDialog job={job} onClose={close} />}
      {asked === "delete" && <DeleteExportDialog job={job} onClose={close} />}
      {asked === "restore" && <RestoreDialog job={job} onClose={close} />}
    </>
  );
}

/** Returns what a running export does now. */
function describePhase(job: JobView): string {
  const { status, progress, proof } = job;
  if (status === "queued") return describeWaiting(job);
  if (proof.state === "running") return "Restores itself into a scratch database";
  const { percent } = progress;
  return percent === null ? "In progress" : `In progress: ${percent.toFixed(0)} %`;
}

function Progress({ job }: { job: JobView }) {
  const { percent, rows, bytes, bytesPerSecond, etaSeconds, tablesDone, tablesTotal } =
    job.progress;
  return (
    <section class="card" aria-labelledby="progress">
      <h2 id="progress">{describePhase(job)}</h2>
      <ProgressBar
        percent={job.status === "queued" ? 0 : job.proof.state === "running" ? null : percent}
        label="Progress of the export"
      />
      <dl class="facts">
        <div>
          <dt>Tables</dt>
          <dd>
            {tablesDone} of {tablesTotal}
          </dd>
        </div>
        <div>
          <dt>Rows</dt>
          <dd>
            <Count value={rows} />
          </dd>
        </div>
        <div>
          <dt>Written</dt>
          <dd>
            <Bytes value={bytes} />
          </dd>
        </div>
        <div>
          <dt>Speed</dt>
          <dd>{bytesPerSecond === null ? "–" : `${formatBytes(bytesPerSecond)}/s`}</dd>
        </div>
        <div>
          <dt>Left</dt>
          <dd>{etaSeconds === null ? "–" : <Duration ms={etaSeconds * 1_000} />}</dd>
        </div>
      </dl>
    </section>
  );
}

function Tables({ job: { tables, status } }: { job: JobView }) {
  if (tables.length === 0) return null;
  const isRunning = isActive(status);
  return (
    <section aria-labelledby="tables">
      <h2 id="tables">Tables</h2>
      <table class="compact">
        <thead>
          <tr>
            <th scope="col">Table</th>
            {isRunning && <th scope="col">Progress</th>}
            <th scope="col" class="number">
              Rows
            </th>
            <th scope="col" class="number">
              Text
            </th>
          </tr>
        </thead>
        <tbody>
          {tables.map(({ name, status: state, rows, bytes, percent }) => (
            <tr key={name}>
              <th scope="row" class="name">
                {name === "" ? <em>empty name</em> : name}
              </th>
              {isRunning && (
                <td>
                  {state === "running" ? (
                    <ProgressBar percent={percent} label={`Progress of table ${name}`} />
                  ) : (
                    <span class="muted">{state}</span>
                  )}
                </td>
              )}
              <td class="number">
                <Count value={rows} />
              </td>
              <td class="number">
                <Bytes value={bytes} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {tables.length >= 500 && <p class="muted">The manifest lists all tables. Here are 500.</p>}
    </section>
  );
}
