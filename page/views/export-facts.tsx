import type { JobView } from "../../src/api/job-view.ts";
import { Fact } from "../parts/fact.tsx";
import { CopiedText, Count, Dollars, Duration, Time } from "../parts/values.tsx";
import { costOfUsage } from "../format/cost.ts";
import { formatNumberOf } from "../format/units.ts";
import { keyOf, labelOf } from "../state/databases.ts";
import { describeKeepers, describeMasked, durationOf } from "../state/job-facts.ts";
import { links } from "../state/route.ts";
import { CopiesFact } from "./copies-fact.tsx";

/** What a job is, when it ran, and what it cost. */
export function ExportFacts({ job }: { job: JobView }) {
  const { workflow, callback, proof } = job;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Details</h2>
      <dl class="facts wide">
        <Fact name="Database">
          <a href={links.database(keyOf(job.source, job.object))}>
            {labelOf(job.source, job.object)}
          </a>
        </Fact>
        <Fact name="Snapshot">
          <Time at={job.snapshotAt} none={job.requestedConsistency === "live" ? "live" : "–"} />
        </Fact>
        <Fact name="Started">
          <Time at={job.startedAt} />
        </Fact>
        <Fact name="Took">
          <Duration ms={durationOf(job)} />
        </Fact>
        <Fact name="Rows">
          <Count value={job.progress.rows} />
        </Fact>
        <Fact name="Files expire">
          <Time at={job.expiresAt} />
        </Fact>
        <Fact name="Consistency">{describeConsistency(job)}</Fact>
        <Fact name="Format">
          {job.format}
          {job.compression !== "none" && `, ${job.compression}`}
        </Fact>
        {job.masked.length > 0 && <Fact name="Masked">{describeMasked(job)}</Fact>}
        <Cost usage={job.usage} />
        <Fact name="Proof">
          <ProofFact proof={proof} />
        </Fact>
        <CopiesFact copies={job.copies} />
        {job.retention !== null && (
          <Fact name={`Series ${job.retention.series}`}>{describeKeepers(job.retention)}</Fact>
        )}
        {callback.url !== null && (
          <Fact name="Callback">
            {callback.status} to {callback.url}, {formatNumberOf(callback.attempts, "attempt")}
            {callback.lastError !== null && <span class="muted"> ({callback.lastError})</span>}
          </Fact>
        )}
        <Fact name="Job">
          <CopiedText text={job.jobId} what="job's id" />
        </Fact>
        <RunFacts workflow={workflow} />
      </dl>
    </section>
  );
}

/** What restoring the dump into a scratch database has shown. */
function ProofFact({ proof: { state, at, rows } }: { proof: JobView["proof"] }) {
  if (state === "none") return <span class="muted">not asked for</span>;
  if (state === "running") return <>runs: {formatNumberOf(rows, "row")} so far</>;
  return (
    <>
      {state === "proved" ? "restored" : "differs"} <Time at={at} />
      {state === "proved" && `, ${formatNumberOf(rows, "row")} equal`}
    </>
  );
}

/** What a job has used, in dollars, with the counts on hover. */
export function Cost({ usage }: { usage: JobView["usage"] }) {
  const { rowsRead, rowsWritten, steps, r2ClassAOperations } = usage;
  const counts = [
    formatNumberOf(rowsRead, "row read", "rows read"),
    formatNumberOf(rowsWritten, "row written", "rows written"),
    formatNumberOf(steps, "step"),
    formatNumberOf(r2ClassAOperations, "Class A operation"),
  ].join(", ");
  return (
    <Fact name="Cost">
      <Dollars value={costOfUsage(usage)} title={`${counts}, beyond what the paid plan includes`} />{" "}
      <span class="muted">{formatNumberOf(steps, "step")}</span>
    </Fact>
  );
}

/** The Workflow instance, and the runs that the watchdog replaced. */
export function RunFacts({ workflow }: Pick<JobView, "workflow">) {
  return (
    <>
      {workflow.instanceId !== null && (
        <Fact name="Workflow instance">
          <CopiedText
            text={workflow.instanceId}
            what="instance's id"
            label={`run ${workflow.run}`}
          />
        </Fact>
      )}
      {workflow.rescues.length > 0 && (
        <Fact name="Replaced runs">
          {workflow.rescues.map(({ run, at, reason }) => (
            <p key={run}>
              Run {run}, <Time at={at} />: {reason}
            </p>
          ))}
        </Fact>
      )}
    </>
  );
}

function describeConsistency({ requestedConsistency, snapshotMethod }: JobView): string {
  if (requestedConsistency === "live") return "live: tables of several instants";
  if (snapshotMethod === null) return "snapshot";
  return `snapshot, ${snapshotMethod === "one-turn" ? "read in one turn" : "kept by an undo log"}`;
}
