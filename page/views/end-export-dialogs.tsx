import { useState } from "preact/hooks";

import type { JobView } from "../../src/api/job-view.ts";
import { Dialog, TypedName } from "../parts/dialog.tsx";
import { Note } from "../parts/notes.tsx";
import { Bytes, Time } from "../parts/values.tsx";
import { isAvailable, keyOf, labelOf, takenAtMs } from "../state/databases.ts";
import { describeEnd, storedBytesOf } from "../state/job-facts.ts";
import { usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";

interface EndProps {
  job: JobView;
  onClose: () => void;
}

/** Asks before a running export is cancelled. */
export function CancelExportDialog({ job, onClose }: EndProps) {
  const { store, announce } = usePage();
  const label = labelOf(job.source, job.object);
  return (
    <Dialog
      title={`Cancel the export of ${label}?`}
      action="Cancel the export"
      isDangerous
      onClose={onClose}
      onConfirm={async () => {
        const ended = await store.client.cancel(job.jobId);
        store.putExport(ended);
        announce(describeEnd(`The export of ${label}`, ended.status));
        onClose();
      }}
    >
      <p>What it has written is deleted. The database is not changed. You can start it again.</p>
    </Dialog>
  );
}

/** Asks before an export is deleted. Deleting a database's last backup requires its name. */
export function DeleteExportDialog({ job, onClose }: EndProps) {
  const { store, announce } = usePage();
  const { jobs } = usePageData().exports;
  const [typed, setTyped] = useState("");
  const label = labelOf(job.source, job.object);
  const key = keyOf(job.source, job.object);
  const now = Date.now();
  const hasFiles = isAvailable(job, now);
  const others = jobs.filter(
    (other) =>
      other.jobId !== job.jobId &&
      keyOf(other.source, other.object) === key &&
      isAvailable(other, now),
  );
  const [newest] = others;
  const isLast = hasFiles && newest === undefined;
  return (
    <Dialog
      title={`Delete this export of ${label}?`}
      action="Delete for good"
      isDangerous
      isReady={!isLast || typed === label}
      onClose={onClose}
      onConfirm={async () => {
        await store.client.delete(job.jobId);
        store.dropExport(job.jobId);
        announce("The export is deleted.");
        onClose();
        location.hash = links.exports;
      }}
    >
      {hasFiles ? (
        <p>
          Its files (<Bytes value={storedBytesOf(job)} />) are deleted. This cannot be undone.
        </p>
      ) : (
        <p>It has no files. Its entry in the list is deleted.</p>
      )}
      {isLast && (
        <>
          <Note tone="bad" icon="warning" title={`This is the last backup of ${label}.`} />
          <TypedName
            name={label}
            value={typed}
            onInput={setTyped}
            why="After that, nothing can be restored."
          />
        </>
      )}
      {hasFiles && newest !== undefined && (
        <p>
          {others.length === 1 ? "One other backup stays" : `${others.length} other backups stay`}.
          The newest was taken <Time at={new Date(takenAtMs(newest)).toISOString()} />.
        </p>
      )}
    </Dialog>
  );
}
