import { useMemo, useState } from "preact/hooks";

import { TrendChart } from "../charts/trend-chart.tsx";
import { HealthBadge, ProofBadge, StateBadge } from "../parts/badges.tsx";
import { Hint } from "../parts/hint.tsx";
import { Icon } from "../parts/icon.tsx";
import { Empty, Note } from "../parts/notes.tsx";
import { Bytes, Count, Duration, Time } from "../parts/values.tsx";
import { formatDuration } from "../format/times.ts";
import { formatBytes, formatCount } from "../format/units.ts";
import {
  type DatabaseState,
  listDatabases,
  needsAttention,
  takenAtMs,
} from "../state/databases.ts";
import { durationOf, storedBytesOf } from "../state/job-facts.ts";
import { useAbilities, useNow, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { Heading } from "../parts/heading.tsx";
import { StartExportDialog } from "./start-export-dialog.tsx";

/** How many exports the screen lists; the list of exports has all. */
const JOBS_SHOWN = 10;

/** One database: its state, its backups, and how size and duration develop. */
export function DatabaseView({ databaseKey }: { databaseKey: string }) {
  const { sources, exports } = usePageData();
  const { mayStart } = useAbilities();
  const now = useNow(30_000);
  const [isStarting, setStarting] = useState(false);
  const database = useMemo(
    () =>
      listDatabases(sources?.sources ?? [], exports.jobs, now).find(
        ({ key }) => key === databaseKey,
      ),
    [sources, exports.jobs, now, databaseKey],
  );
  if (database === undefined) {
    return (
      <>
        <Heading title="Database" />
        <Empty title="No loaded export is of this database.">
          <p>
            <a href={links.overview}>Show all databases</a>
          </p>
        </Empty>
      </>
    );
  }
  const { label, health, trouble, running } = database;
  return (
    <>
      <Heading
        title={label}
        badge={<HealthBadge health={health} />}
        actions={
          mayStart &&
          health !== "unusable" && (
            <button type="button" disabled={running !== null} onClick={() => setStarting(true)}>
              <Icon name="plus" /> {running === null ? "Export now" : "An export runs"}
            </button>
          )
        }
      />
      {trouble !== null && needsAttention(health) && (
        <Note
          tone={health === "late" ? "warn" : "bad"}
          icon={health === "late" ? "clock" : "warning"}
          title={trouble.what}
        >
          <p>
            <strong>What to do:</strong> <Hint text={trouble.advice} />
          </p>
        </Note>
      )}
      <NewestBackup database={database} />
      <Charts database={database} />
      <Jobs database={database} />
      {isStarting && (
        <StartExportDialog
          source={database.source}
          object={database.object}
          onClose={() => setStarting(false)}
        />
      )}
    </>
  );
}

function NewestBackup({ database: { backup } }: { database: DatabaseState }) {
  if (backup === null) return null;
  return (
    <section class="card" aria-labelledby="newest">
      <div class="heading">
        <h2 id="newest">
          <a href={links.export(backup.jobId)}>Newest backup</a>
        </h2>
        <ProofBadge proof={backup.proof} />
      </div>
      <dl class="facts">
        <div>
          <dt>Taken</dt>
          <dd>
            <Time at={new Date(takenAtMs(backup)).toISOString()} />
          </dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>
            <Bytes value={storedBytesOf(backup)} />
          </dd>
        </div>
        <div>
          <dt>Rows</dt>
          <dd>
            <Count value={backup.progress.rows} />
          </dd>
        </div>
        <div>
          <dt>Took</dt>
          <dd>
            <Duration ms={durationOf(backup)} />
          </dd>
        </div>
        <div>
          <dt>Files expire</dt>
          <dd>
            <Time at={backup.expiresAt} />
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Charts({ database: { completed } }: { database: DatabaseState }) {
  const sizes = completed.map((job) => ({
    id: job.jobId,
    atMs: takenAtMs(job),
    value: storedBytesOf(job),
  }));
  const durations = completed.flatMap((job) => {
    const ms = durationOf(job);
    return ms === null ? [] : [{ id: job.jobId, atMs: takenAtMs(job), value: ms / 1_000 }];
  });
  return (
    <section aria-labelledby="trends">
      <h2 id="trends" class="hidden">
        Over time
      </h2>
      <div class="charts">
        <TrendChart
          title="Size"
          points={sizes}
          unit="bytes"
          format={formatBytes}
          formatExact={(bytes) => `${formatCount(bytes)} bytes`}
        />
        <TrendChart
          title="Duration"
          points={durations}
          unit="seconds"
          format={(seconds) => formatDuration(seconds * 1_000)}
          formatExact={(seconds) => `${formatCount(seconds)} s`}
        />
      </div>
    </section>
  );
}

function Jobs({ database: { jobs, key } }: { database: DatabaseState }) {
  return (
    <section aria-labelledby="jobs">
      <h2 id="jobs">Exports</h2>
      {jobs.length === 0 ? (
        <Empty title="It was never exported." />
      ) : (
        <table class="stacked brief">
          <thead>
            <tr>
              <th scope="col">Started</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="number">
                Rows
              </th>
              <th scope="col" class="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {jobs.slice(0, JOBS_SHOWN).map((job) => (
              <tr key={job.jobId}>
                <th scope="row">
                  <a href={links.export(job.jobId)}>
                    <Time at={job.createdAt} />
                  </a>
                </th>
                <td data-label="State">
                  <StateBadge state={job.status} />
                  {job.error !== null && <code class="code">{job.error.code}</code>}
                </td>
                <td data-label="Took" class="number">
                  <Duration ms={durationOf(job)} />
                </td>
                <td data-label="Rows" class="number">
                  <Count value={job.progress.rows} />
                </td>
                <td data-label="Size" class="number">
                  <Bytes value={storedBytesOf(job)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {jobs.length > JOBS_SHOWN && (
        <p>
          <a href={links.filtered({ database: key })}>All {formatCount(jobs.length)} exports</a>
        </p>
      )}
    </section>
  );
}
