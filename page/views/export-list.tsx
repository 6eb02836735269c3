import { JOB_STATES } from "../../src/api/job-state.ts";
import { StateBadge } from "../parts/badges.tsx";
import { Empty } from "../parts/notes.tsx";
import { Pager, usePages } from "../parts/pager.tsx";
import { Bytes, CopiedText, Count, Duration, Time } from "../parts/values.tsx";
import { formatCount, formatNumberOf } from "../format/units.ts";
import { keyOf, labelOf } from "../state/databases.ts";
import { durationOf, storedBytesOf } from "../state/job-facts.ts";
import { usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { Heading } from "../parts/heading.tsx";

/** How many more exports a click loads. */
const MORE_JOBS = 1_000;

/** All exports, newest first, by state and database. The address contains the filter. */
export function ExportList({ status, database }: { status: string; database: string }) {
  const { store } = usePage();
  const { exports, isLoadingOlder } = usePageData();
  const labels = new Map(
    exports.jobs.map(({ source, object }) => [keyOf(source, object), labelOf(source, object)]),
  );
  const found = exports.jobs.filter(
    (job) =>
      (status === "" || job.status === status) &&
      (database === "" || keyOf(job.source, job.object) === database),
  );
  const { shown, ...pages } = usePages(found, `${status} ${database}`);
  const filter = (changes: Record<string, string>): void => {
    location.hash = links.filtered({ status, database, ...changes });
  };
  return (
    <>
      <Heading title="Exports" />
      <div class="filters">
        <label>
          State
          <select
            value={status}
            onChange={(event) => filter({ status: event.currentTarget.value })}
          >
            <option value="">All</option>
            {JOB_STATES.map((state) => (
              <option key={state} value={state}>
                {state}
              </option>
            ))}
          </select>
        </label>
        <label>
          Database
          <select
            value={database}
            onChange={(event) => filter({ database: event.currentTarget.value })}
          >
            <option value="">All</option>
            {[...labels]
              .sort(([, a], [, b]) => a.localeCompare(b))
              .map(([key, label]) => (
                <option key={key} value={key}>
                  {label}
                </option>
              ))}
          </select>
        </label>
        <p class="muted" role="status">
          {found.length === exports.jobs.length ? "" : `${formatCount(found.length)} of `}
          {formatNumberOf(exports.jobs.length, "export")} loaded
          {isLoadingOlder && ", loading more…"}
        </p>
      </div>
      {found.length === 0 ? (
        <Empty
          title={
            exports.jobs.length === 0 ? "There is no export yet." : "No loaded export matches."
          }
        >
          {exports.jobs.length > 0 && (
            <p>
              <a href={links.exports}>Show all exports</a>
            </p>
          )}
        </Empty>
      ) : (
        <table class="stacked brief">
          <thead>
            <tr>
              <th scope="col">Database</th>
              <th scope="col">State</th>
              <th scope="col">Started</th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="number roomy">
                Rows
              </th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col" class="roomy">
                Format
              </th>
              <th scope="col" class="wide-only">
                Id
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((job) => (
              <tr key={job.jobId}>
                <th scope="row">
                  <a href={links.export(job.jobId)}>{labelOf(job.source, job.object)}</a>
                </th>
                <td data-label="State">
                  <StateBadge state={job.status} />
                  {job.error !== null && <code class="code">{job.error.code}</code>}
                </td>
                <td data-label="Started">
                  <Time at={job.createdAt} />
                </td>
                <td data-label="Took" class="number">
                  <Duration ms={durationOf(job)} />
                </td>
                <td data-label="Rows" class="number roomy">
                  <Count value={job.progress.rows} />
                </td>
                <td data-label="Size" class="number">
                  <Bytes value={storedBytesOf(job)} />
                </td>
                <td data-label="Format" class="roomy">
                  {job.format}
                  {job.compression !== "none" && `, ${job.compression}`}
                </td>
                <td class="wide-only">
                  <CopiedText text={job.jobId} what="id" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pager {...pages} what="exports" />
      {exports.cursor !== null && !isLoadingOlder && (
        <p class="center">
          <button
            type="button"
            onClick={() => void store.loadOlder(exports.jobs.length + MORE_JOBS)}
          >
            Load {formatCount(MORE_JOBS)} older exports
          </button>
        </p>
      )}
    </>
  );
}
