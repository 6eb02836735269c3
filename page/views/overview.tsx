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
import { type FleetState, listFleetStates } from "../state/fleets.ts";
import { links } from "../state/route.ts";
import { Heading } from "../parts/heading.tsx";
import { StartExportDialog } from "./start-export-dialog.tsx";
import { Summary } from "./summary.tsx";
import { Verdict } from "./verdict.tsx";

/** Answers in three seconds: is every database backed up, or what is wrong and what to do? */
export function Overview() {
  const { sources, exports, restores, fleets, isLoadingOlder } = usePageData();
  const now = useNow(30_000);
  const fleetStates = useMemo(
    () => listFleetStates(sources?.sources ?? [], fleets.jobs, now),
    [sources, fleets.jobs, now],
  );
  const databases = useMemo(
    () =>
      listDatabases(
        sources?.sources ?? [],
        exports.jobs,
        now,
        new Set(fleetStates.map(({ source }) => source)),
      ),
    [sources, exports.jobs, fleetStates, now],
  );
  const [starting, setStarting] = useState<DatabaseState | null>(null);
  const running = exports.jobs.filter(({ status }) => isActive(status));
  const restoring = restores.jobs.filter(({ status }) => isActive(status));
  const backingUp = fleets.jobs.filter(({ status }) => isActive(status));
  return (
    <>
      <Heading title="Overview" />
      <Verdict
        databases={databases}
        fleets={fleetStates}
        isPartial={isLoadingOlder}
        onStart={setStarting}
      />
      {running.length + restoring.length + backingUp.length > 0 && (
        <section aria-labelledby="running">
          <h2 id="running">Running now</h2>
          <div class="cards">
            {backingUp.slice(0, 6).map(({ jobId, source, status, members, progress }) => (
              <a key={jobId} class="card link" href={links.fleet(jobId)}>
                <p class="strong">Fleet of {source}</p>
                <ProgressBar
                  percent={status === "queued" ? 0 : progress.percent}
                  label="Progress of the fleet"
                />
                <p class="muted">
                  {members.total === null ? (
                    "Reads the names"
                  ) : (
                    <>
                      <Count value={members.total - (members.pending ?? 0)} /> of{" "}
                      <Count value={members.total} /> objects
                    </>
                  )}
                </p>
              </a>
            ))}
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
      <Summary databases={databases} fleetStates={fleetStates} />
      <FleetTable fleets={fleetStates} />
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

/** The newest fleet of each source that has one. */
function FleetTable({ fleets }: { fleets: readonly FleetState[] }) {
  if (fleets.length === 0) return null;
  return (
    <section aria-labelledby="fleets">
      <h2 id="fleets">Fleets</h2>
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">Objects of</th>
            <th scope="col">State</th>
            <th scope="col">Newest backup</th>
            <th scope="col" class="number">
              Backed up
            </th>
            <th scope="col" class="number">
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          {fleets.map(({ key, source, health, backup, fleets: [newest] }) => (
            <tr key={key}>
              <th scope="row">
                <a href={links.fleet((backup ?? newest)?.jobId ?? "")}>{source}</a>
              </th>
              <td data-label="State">
                <HealthBadge health={health} />
              </td>
              <td data-label="Newest backup">
                <Time at={backup === null ? null : new Date(takenAtMs(backup)).toISOString()} />
              </td>
              <td data-label="Backed up" class="number">
                {backup === null ? (
                  <span class="muted">–</span>
                ) : (
                  <>
                    <Count value={(backup.members.total ?? 0) - backup.members.failed} /> of{" "}
                    <Count value={backup.members.total ?? 0} />
                  </>
                )}
              </td>
              <td data-label="Size" class="number">
                {backup === null ? (
                  <span class="muted">–</span>
                ) : (
                  <Bytes value={backup.progress.bytes} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
