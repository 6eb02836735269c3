import { useMemo, useState } from "preact/hooks";

import { isActive } from "../../src/api/job-state.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { Sparkline } from "../charts/trend-chart.tsx";
import { HealthBadge, ProofBadge } from "../parts/badges.tsx";
import { Empty } from "../parts/notes.tsx";
import { Pager, usePages } from "../parts/pager.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { Bytes, Count, Duration, Time } from "../parts/values.tsx";
import { type DatabaseState, labelOf, listDatabases, takenAtMs } from "../state/databases.ts";
import { describeWaiting, durationOf, storedBytesOf } from "../state/job-facts.ts";
import { useAbilities, useNow, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { Heading } from "../parts/heading.tsx";
import { StartExportDialog } from "./start-export-dialog.tsx";
import { Summary } from "./summary.tsx";
import { Verdict } from "./verdict.tsx";

/** Answers in three seconds: is every database backed up, or what is wrong and what to do? */
export function Overview() {
  const { sources, exports, restores, isLoadingOlder } = usePageData();
  const now = useNow(30_000);
  const databases = useMemo(
    () => listDatabases(sources?.sources ?? [], exports.jobs, now),
    [sources, exports.jobs, now],
  );
  const [starting, setStarting] = useState<DatabaseState | null>(null);
  const running = exports.jobs.filter(({ status }) => isActive(status));
  const restoring = restores.jobs.filter(({ status }) => isActive(status));
  return (
    <>
      <Heading title="Overview" />
      <Verdict databases={databases} isPartial={isLoadingOlder} onStart={setStarting} />
      {running.length + restoring.length > 0 && (
        <section aria-labelledby="running">
          <h2 id="running">Running now</h2>
          <div class="cards">
            {running.slice(0, 6).map((job) => (
              <RunningExport key={job.jobId} job={job} />
            ))}
            {restoring.slice(0, 6).map(({ jobId, target, object, progress }) => (
              <a key={jobId} class="card link" href={links.restore(jobId)}>
                <p class="strong">Restore into {labelOf(target, object)}</p>
                <ProgressBar percent={progress.percent} label="Progress of the restore" />
                <p class="muted">
                  {progress.phase}, <Count value={progress.rows} /> rows
                </p>
              </a>
            ))}
          </div>
          {running.length > 6 && (
            <p>
              <a href={links.filtered({ status: "running" })}>
                All {running.length} running exports
              </a>
            </p>
          )}
        </section>
      )}
      <Summary databases={databases} />
      <DatabaseTable databases={databases} onStart={setStarting} />
      {starting !== null && (
        <StartExportDialog
          source={starting.source}
          object={starting.object}
          onClose={() => setStarting(null)}
        />
      )}
    </>
  );
}

function RunningExport({ job }: { job: JobView }) {
  const { jobId, source, object, progress, status, tables } = job;
  const current = tables.find((table) => table.status === "running");
  return (
    <a class="card link" href={links.export(jobId)}>
      <p class="strong">Export of {labelOf(source, object)}</p>
      <ProgressBar
        percent={status === "queued" ? 0 : progress.percent}
        label="Progress of the export"
      />
      <p class="muted">
        {status === "queued" ? (
          describeWaiting(job)
        ) : (
          <>
            {current === undefined ? "Reading" : `Table ${current.name}`},{" "}
            <Count value={progress.rows} /> rows
            {progress.etaSeconds !== null && (
              <>
                , about <Duration ms={progress.etaSeconds * 1_000} /> left
              </>
            )}
          </>
        )}
      </p>
    </a>
  );
}

interface TableProps {
  databases: readonly DatabaseState[];
  onStart: (database: DatabaseState) => void;
}

function DatabaseTable({ databases, onStart }: TableProps) {
  const { mayStart } = useAbilities();
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const found = databases.filter(({ label }) => label.toLowerCase().includes(wanted));
  const { shown, ...pages } = usePages(found, search);
  return (
    <section aria-labelledby="databases">
      <div class="heading">
        <h2 id="databases">Databases</h2>
        {databases.length > 8 && (
          <input
            type="search"
            placeholder="Search by name"
            aria-label="Search databases by name"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      {found.length === 0 ? (
        <Empty title={`No database is named like “${search}”.`} />
      ) : (
        <table class="stacked">
          <thead>
            <tr>
              <th scope="col">Database</th>
              <th scope="col">State</th>
              <th scope="col">Newest backup</th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="wide-only">
                Size over time
              </th>
              {mayStart && (
                <th scope="col">
                  <span class="hidden">Actions</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map((database) => {
              const { key, label, health, backup, completed, running } = database;
              return (
                <tr key={key}>
                  <th scope="row">
                    <a href={links.database(key)}>{label}</a>
                  </th>
                  <td data-label="State">
                    <HealthBadge health={health} />{" "}
                    {backup !== null && <ProofBadge proof={backup.proof} />}
                  </td>
                  <td data-label="Newest backup">
                    <Time at={backup === null ? null : new Date(takenAtMs(backup)).toISOString()} />
                  </td>
                  <td data-label="Size" class="number">
                    {backup === null ? (
                      <span class="muted">–</span>
                    ) : (
                      <Bytes value={storedBytesOf(backup)} />
                    )}
                  </td>
                  <td data-label="Took" class="number">
                    <Duration ms={backup === null ? null : durationOf(backup)} />
                  </td>
                  <td class="wide-only">
                    <Sparkline values={completed.slice(-24).map(storedBytesOf)} />
                  </td>
                  {mayStart && (
                    <td class="actions end">
                      {running !== null ? (
                        <a class="button quiet" href={links.export(running.jobId)}>
                          Running…
                        </a>
                      ) : (
                        <button
                          type="button"
                          class="quiet"
                          aria-label={`Export now: ${label}`}
                          disabled={health === "unusable"}
                          onClick={() => onStart(database)}
                        >
                          Export now
                        </button>
                      )}
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      <Pager {...pages} what="databases" />
    </section>
  );
}
