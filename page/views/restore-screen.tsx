import { useState } from "preact/hooks";

import { isActive } from "../../src/api/job-state.ts";
import type { RestoreView } from "../../src/api/restore-view.ts";
import { StateBadge } from "../parts/badges.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Fact } from "../parts/fact.tsx";
import { Hint } from "../parts/hint.tsx";
import { Icon } from "../parts/icon.tsx";
import { Note, ProblemNote, Skeleton } from "../parts/notes.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { Bytes, CopiedText, Count, Duration, Time } from "../parts/values.tsx";
import { formatBytes, formatCount } from "../format/units.ts";
import { labelOf } from "../state/databases.ts";
import { describeEnd, describeWaiting, durationOf } from "../state/job-facts.ts";
import { useAbilities, usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { useJob } from "../state/use-job.ts";
import { Cost, RunFacts } from "./export-facts.tsx";
import { describeVerification } from "./restore-list.tsx";
import { Heading } from "../parts/heading.tsx";

const PHASES: Record<RestoreView["progress"]["phase"], string> = {
  scan: "Reads the script",
  "safety-export": "Exports the current content first",
  clear: "Empties the target",
  load: "Loads the rows",
  move: "Moves rows that waited for others",
  verify: "Compares the result with the backup",
  undo: "Loads the former content again",
  done: "Done",
};

/** One restore: its phase and progress as it happens, and what the comparison has shown. */
export function RestoreScreen({ jobId }: { jobId: string }) {
  const { store } = usePage();
  const known = usePageData().restores.jobs.find((job) => job.jobId === jobId) ?? null;
  const { job, problem } = useJob<RestoreView>(jobId, known, {
    get: (id, options) => store.client.getRestore(id, options),
    events: (id, options) => store.client.restoreEvents(id, options),
    put: (view) => store.putRestore(view),
  });
  if (job === null) {
    return (
      <>
        <Heading title="Restore" />
        {problem === null ? <Skeleton lines={5} /> : <ProblemNote problem={problem} />}
      </>
    );
  }
  return (
    <>
      <Heading
        title={`Restore into ${labelOf(job.target, job.object)}`}
        badge={<StateBadge state={job.status} />}
        actions={<RestoreActions job={job} />}
      />
      {problem !== null && <ProblemNote problem={problem} />}
      {job.error !== null && <RestoreError error={job.error} />}
      {isActive(job.status) && <Progress job={job} />}
      {job.status === "completed" && (
        <Note
          tone={job.verification.state === "equal" ? "ok" : "info"}
          icon="proof"
          title={
            job.verification.state === "equal"
              ? `Restored, and ${describeVerification(job)}.`
              : "Restored, and not verified."
          }
        >
          <p>
            <Count value={job.verification.rows || job.progress.rows} /> rows in{" "}
            <Duration ms={durationOf(job)} />.
          </p>
        </Note>
      )}
      {job.warnings.length > 0 && (
        <Note tone="warn" icon="warning" title={`Warnings: ${job.warnings.length}`}>
          <ul>
            {job.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Note>
      )}
      <Facts job={job} />
    </>
  );
}

function RestoreError({ error }: { error: NonNullable<RestoreView["error"]> }) {
  const { code, message, hint, place } = error;
  return (
    <Note tone="bad" icon="cross" title={`${code}: ${message}`}>
      <p>
        <strong>What to do:</strong> <Hint text={hint} />
      </p>
      {place?.sql !== undefined && (
        <>
          <p class="muted">
            {place.line !== undefined && `Line ${formatCount(place.line)}`}
            {place.statement !== undefined && `, statement ${formatCount(place.statement)}`}
            {place.table !== undefined && `, table ${place.table}`}
          </p>
          <pre tabIndex={0} aria-label="The statement">
            <code>{place.sql}</code>
          </pre>
        </>
      )}
    </Note>
  );
}

function Progress({ job }: { job: RestoreView }) {
  const { phase, percent, rows, textBytes, textBytesTotal, bytesPerSecond, etaSeconds } =
    job.progress;
  return (
    <section class="card" aria-labelledby="progress">
      <h2 id="progress">{job.status === "queued" ? describeWaiting(job) : PHASES[phase]}</h2>
      <ProgressBar percent={percent} label="Progress of the restore" />
      <dl class="facts">
        <Fact name="Rows">
          <Count value={rows} />
        </Fact>
        <Fact name="Text">
          <Bytes value={textBytes} />
          {textBytesTotal !== null && (
            <>
              {" "}
              of <Bytes value={textBytesTotal} />
            </>
          )}
        </Fact>
        <Fact name="Speed">
          {bytesPerSecond === null ? "–" : `${formatBytes(bytesPerSecond)}/s`}
        </Fact>
        <Fact name="Left">{etaSeconds === null ? "–" : <Duration ms={etaSeconds * 1_000} />}</Fact>
      </dl>
    </section>
  );
}

function Facts({ job }: { job: RestoreView }) {
  const { from, safetyExport } = job;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Details</h2>
      <dl class="facts wide">
        <Fact name="From">
          {"jobId" in from ? (
            <a href={links.export(from.jobId)}>export {from.jobId.slice(0, 8)}…</a>
          ) : "fileId" in from ? (
            <CopiedText text={from.fileId} what="id of the uploaded file" />
          ) : "fleetId" in from ? (
            <>
              <code>{from.name ?? from.id}</code> of fleet {from.fleetId.slice(0, 8)}…
            </>
          ) : (
            <code>{from.object}</code>
          )}
        </Fact>
        <Fact name="Mode">
          {job.mode === "replace" ? "replaces everything" : "into an empty database"}
        </Fact>
        <Fact name="Verified">{describeVerification(job)}</Fact>
        <Fact name="Started">
          <Time at={job.startedAt} />
        </Fact>
        <Fact name="Took">
          <Duration ms={durationOf(job)} />
        </Fact>
        <Fact name="Statements">
          <Count value={job.progress.statements} />
        </Fact>
        {safetyExport !== null && (
          <Fact name="Former content">
            <a href={links.export(safetyExport.jobId)}>export {safetyExport.jobId.slice(0, 8)}…</a>,{" "}
            {safetyExport.status}
          </Fact>
        )}
        <Cost usage={job.usage} />
        <Fact name="Job">
          <CopiedText text={job.jobId} what="job's id" />
        </Fact>
        <RunFacts workflow={job.workflow} />
      </dl>
    </section>
  );
}

function RestoreActions({ job }: { job: RestoreView }) {
  const { store, announce } = usePage();
  const { mayChange } = useAbilities();
  // The restore may end while the question is open: the question stays the same.
  const [asked, setAsked] = useState<"cancel" | "delete" | null>(null);
  if (!mayChange) return null;
  const isRunning = isActive(job.status);
  const confirm = async (): Promise<void> => {
    if (asked === "cancel") {
      const ended = await store.client.cancelRestore(job.jobId);
      store.putRestore(ended);
      announce(describeEnd("The restore", ended.status));
    } else {
      await store.client.deleteRestore(job.jobId);
      store.dropRestore(job.jobId);
      announce("The restore is deleted from the list.");
      location.hash = links.restores;
    }
    setAsked(null);
  };
  return (
    <>
      <button
        type="button"
        class="danger"
        onClick={() => setAsked(isRunning ? "cancel" : "delete")}
      >
        <Icon name={isRunning ? "stop" : "trash"} /> {isRunning ? "Cancel" : "Delete"}
      </button>
      {asked !== null && (
        <Dialog
          title={asked === "cancel" ? "Cancel this restore?" : "Delete this entry?"}
          action={asked === "cancel" ? "Cancel the restore" : "Delete"}
          isDangerous
          onClose={() => setAsked(null)}
          onConfirm={confirm}
        >
          <p>
            {asked === "cancel" ? describeCancel(job) : "The restored database stays as it is."}
          </p>
        </Dialog>
      )}
    </>
  );
}

function describeCancel({ mode, target, object }: RestoreView): string {
  const label = labelOf(target, object);
  return mode === "empty"
    ? `${label} is emptied again.`
    : `${label} keeps what was loaded so far, or gets its former content back if you chose that.`;
}
