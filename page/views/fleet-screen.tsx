import { useState } from "preact/hooks";

import { isActive } from "../../src/api/job-state.ts";
import type { FleetView } from "../../src/api/fleet-view.ts";
import { StateBadge } from "../parts/badges.tsx";
import { Dialog, TypedName } from "../parts/dialog.tsx";
import { Fact } from "../parts/fact.tsx";
import { Hint } from "../parts/hint.tsx";
import { Icon } from "../parts/icon.tsx";
import { Note, ProblemNote, Skeleton } from "../parts/notes.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { Bytes, CopiedText, Count, Duration, Time } from "../parts/values.tsx";
import { formatNumberOf } from "../format/units.ts";
import { isAvailable } from "../state/databases.ts";
import {
  describeEnd,
  describeKeepers,
  describeMasked,
  describeWaiting,
  durationOf,
} from "../state/job-facts.ts";
import { useAbilities, useNow, usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { useJob } from "../state/use-job.ts";
import { CopiesFact } from "./copies-fact.tsx";
import { Cost, RunFacts } from "./export-facts.tsx";
import { Heading } from "../parts/heading.tsx";
import { FleetMembers } from "./fleet-members.tsx";

/** How many failures are listed; the search for failed objects finds all. */
const FAILURES_SHOWN = 10;

/** One fleet: its progress as it happens, what failed, and a search by object. */
export function FleetScreen({ fleetId }: { fleetId: string }) {
  const { store } = usePage();
  const now = useNow(30_000);
  const known = usePageData().fleets.jobs.find(({ jobId }) => jobId === fleetId) ?? null;
  const { job: fleet, problem } = useJob<FleetView>(fleetId, known, {
    get: (id, options) => store.client.getFleet(id, options),
    events: (id, options) => store.client.fleetEvents(id, options),
    put: (view) => store.putFleet(view),
  });
  if (fleet === null) {
    return (
      <>
        <Heading title="Fleet" />
        {problem === null ? <Skeleton lines={5} /> : <ProblemNote problem={problem} />}
      </>
    );
  }
  return (
    <>
      <Heading
        title={`Fleet of ${fleet.source}`}
        badge={<StateBadge state={fleet.status} />}
        actions={<FleetActions fleet={fleet} />}
      />
      {problem !== null && <ProblemNote problem={problem} />}
      {fleet.error !== null && (
        <Note tone="bad" icon="cross" title={`${fleet.error.code}: ${fleet.error.message}`}>
          <p>
            <strong>What to do:</strong> <Hint text={fleet.error.hint} />
          </p>
        </Note>
      )}
      {isActive(fleet.status) && <Progress fleet={fleet} />}
      <Failures fleet={fleet} />
      {fleet.warnings.length > 0 && (
        <Note tone="warn" icon="warning" title={`Warnings: ${fleet.warnings.length}`}>
          <ul>
            {fleet.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Note>
      )}
      {isAvailable(fleet, now) && <FleetMembers fleet={fleet} />}
      <Facts fleet={fleet} />
    </>
  );
}

function Progress({ fleet }: { fleet: FleetView }) {
  const { status, members, progress } = fleet;
  const done = (members.total ?? 0) - (members.pending ?? 0);
  return (
    <section class="card" aria-labelledby="progress">
      <h2 id="progress">
        {status === "queued"
          ? describeWaiting(fleet)
          : members.total === null
            ? "Reads the names"
            : `${formatNumberOf(done, "object")} of ${members.total} done`}
      </h2>
      <ProgressBar
        percent={status === "queued" ? 0 : progress.percent}
        label="Progress of the fleet"
      />
    </section>
  );
}

function Failures({ fleet: { failures, members } }: { fleet: FleetView }) {
  if (members.failed === 0) return null;
  const left = members.failed - Math.min(failures.length, FAILURES_SHOWN);
  return (
    <Note
      tone="bad"
      icon="warning"
      title={`${formatNumberOf(members.failed, "object")} could not be backed up`}
    >
      <ul>
        {failures.slice(0, FAILURES_SHOWN).map(({ member, code, message }) => (
          <li key={member}>
            <strong>{member}</strong>: {code}: {message}
          </li>
        ))}
      </ul>
      {left > 0 && <p>And {left} more: search the objects by the state “failed”.</p>}
    </Note>
  );
}

function Facts({ fleet }: { fleet: FleetView }) {
  const { members, progress } = fleet;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Details</h2>
      <dl class="facts wide">
        <Fact name="Objects">{members.total === null ? "–" : <Count value={members.total} />}</Fact>
        <Fact name="In packs">
          <Count value={members.packed} />
        </Fact>
        <Fact name="By an export of their own">
          <Count value={members.exported} />
        </Fact>
        <Fact name="Without tables">
          <Count value={members.empty} />
        </Fact>
        <Fact name="Rows">
          <Count value={progress.rows} />
        </Fact>
        <Fact name="Size">
          <Bytes value={progress.bytes} />
        </Fact>
        <Fact name="Started">
          <Time at={fleet.startedAt} />
        </Fact>
        <Fact name="Took">
          <Duration ms={durationOf(fleet)} />
        </Fact>
        <Fact name="Files expire">
          <Time at={fleet.expiresAt} />
        </Fact>
        <Fact name="Compression">{fleet.compression}</Fact>
        {fleet.masked.length > 0 && <Fact name="Masked">{describeMasked(fleet)}</Fact>}
        <CopiesFact copies={fleet.copies} />
        {fleet.retention !== null && (
          <Fact name={`Series ${fleet.retention.series}`}>{describeKeepers(fleet.retention)}</Fact>
        )}
        <Cost usage={fleet.usage} />
        <Fact name="Fleet">
          <CopiedText text={fleet.fleetId} what="fleet's id" />
        </Fact>
        <RunFacts workflow={fleet.workflow} />
      </dl>
    </section>
  );
}

function FleetActions({ fleet }: { fleet: FleetView }) {
  const { store, announce } = usePage();
  const { mayStart, mayChange } = useAbilities();
  // The fleet may end while the question is open: the question stays the same.
  const [asked, setAsked] = useState<"cancel" | "delete" | null>(null);
  const [typed, setTyped] = useState("");
  const { fleetId, source } = fleet;
  const isRunning = isActive(fleet.status);
  const cancel = async (): Promise<void> => {
    const ended = await store.client.cancelFleet(fleetId);
    store.putFleet(ended);
    announce(describeEnd(`The fleet of ${source}`, ended.status));
    setAsked(null);
  };
  const remove = async (): Promise<void> => {
    await store.client.deleteFleet(fleetId);
    store.dropFleet(fleetId);
    announce("The fleet is deleted.");
    location.hash = links.fleets;
  };
  return (
    <>
      {(isRunning ? mayStart : mayChange) && (
        <button
          type="button"
          class="danger"
          onClick={() => setAsked(isRunning ? "cancel" : "delete")}
        >
          <Icon name={isRunning ? "stop" : "trash"} /> {isRunning ? "Cancel" : "Delete"}
        </button>
      )}
      {asked === "cancel" && (
        <Dialog
          title={`Cancel the fleet of ${source}?`}
          action="Cancel the fleet"
          isDangerous
          onClose={() => setAsked(null)}
          onConfirm={cancel}
        >
          <p>What it has written is deleted. The databases are not changed.</p>
        </Dialog>
      )}
      {asked === "delete" && (
        <Dialog
          title={`Delete this fleet of ${source}?`}
          action="Delete for good"
          isDangerous
          isReady={typed === source}
          onClose={() => setAsked(null)}
          onConfirm={remove}
        >
          <p>
            The dumps of {formatNumberOf(fleet.members.packed, "object")} (
            <Bytes value={fleet.progress.bytes} />) are deleted. This cannot be undone.
          </p>
          <TypedName name={source} value={typed} onInput={setTyped} why="" />
        </Dialog>
      )}
    </>
  );
}
