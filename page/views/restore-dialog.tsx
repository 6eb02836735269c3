import { useState } from "preact/hooks";

import type { JobView } from "../../src/api/job-view.ts";
import { Dialog, TypedName } from "../parts/dialog.tsx";
import { Choice, TextField } from "../parts/fields.tsx";
import { Note } from "../parts/notes.tsx";
import { Time } from "../parts/values.tsx";
import { labelOf, takenAtMs } from "../state/databases.ts";
import { usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";

type Mode = "empty" | "replace";

/** Starts a restore of an export. Replacing a database requires its name. */
export function RestoreDialog({ job, onClose }: { job: JobView; onClose: () => void }) {
  const { store, announce } = usePage();
  const targets = (usePageData().sources?.sources ?? []).filter(({ writable }) => writable);
  // The database itself is the most dangerous target, so it is suggested last.
  const suggested = targets.find(({ name }) => name !== job.source) ?? targets[0];
  const [target, setTarget] = useState(suggested?.name ?? "");
  const [objectName, setObjectName] = useState("");
  const [mode, setMode] = useState<Mode>("empty");
  const [undoOnFailure, setUndo] = useState(true);
  const [verify, setVerify] = useState("");
  const [typed, setTyped] = useState("");
  const config = targets.find(({ name }) => name === target);
  const hasObjects = config !== undefined && config.objects !== "one";
  const object = hasObjects && objectName !== "" ? { name: objectName } : null;
  const label = labelOf(target, object);
  const isReplacing = mode === "replace";
  if (targets.length === 0) return <NoTarget onClose={onClose} />;
  return (
    <Dialog
      title={`Restore the export of ${labelOf(job.source, job.object)}`}
      action={isReplacing ? `Replace ${label}` : `Restore into ${label}`}
      isDangerous={isReplacing}
      isReady={!isReplacing || typed === label}
      onClose={onClose}
      onConfirm={async () => {
        const restore = await store.client.restore({
          from: { jobId: job.jobId },
          target,
          mode,
          ...object,
          ...(isReplacing ? { undoOnFailure } : {}),
          ...(verify === "" ? {} : { verify: verify as "digest" | "counts" | "none" }),
        });
        store.putRestore(restore);
        announce(`The restore into ${label} has started.`);
        onClose();
        location.hash = links.restore(restore.jobId);
      }}
    >
      <p>
        The backup shows the database as it was <Time at={new Date(takenAtMs(job)).toISOString()} />
        .
      </p>
      <Choice
        label="Into"
        value={target}
        onChange={(value) => {
          setTarget(value);
          setTyped("");
        }}
        options={targets.map(({ name }) => ({ value: name, text: name }))}
      />
      {hasObjects && (
        <TextField
          label="Object"
          value={objectName}
          onInput={setObjectName}
          help="The name of the Durable Object that is restored into."
        />
      )}
      <fieldset>
        <legend>If {label} contains tables</legend>
        <label class="radio">
          <input
            type="radio"
            name="mode"
            checked={!isReplacing}
            onChange={() => setMode("empty")}
          />
          <span>
            <strong>Refuse.</strong> Nothing is overwritten.
          </span>
        </label>
        <label class="radio">
          <input
            type="radio"
            name="mode"
            checked={isReplacing}
            onChange={() => setMode("replace")}
          />
          <span>
            <strong>Replace everything.</strong> Its current content is exported first, then
            deleted.
          </span>
        </label>
      </fieldset>
      {isReplacing && (
        <>
          <Note
            tone="bad"
            icon="warning"
            title={`All tables of ${label} are deleted and replaced.`}
          >
            <p>Programs that use it see a half-loaded database until the restore ends.</p>
          </Note>
          <label class="radio">
            <input
              type="checkbox"
              checked={undoOnFailure}
              onChange={(event) => setUndo(event.currentTarget.checked)}
            />
            <span>If the restore fails, load the former content again</span>
          </label>
          <TypedName
            name={label}
            value={typed}
            onInput={setTyped}
            why="The former content is kept as an export for at least a week."
          />
        </>
      )}
      <details>
        <summary>More options</summary>
        <Choice
          label="Verify"
          value={verify}
          onChange={setVerify}
          options={[
            { value: "", text: "default: every byte, if the backup has a manifest" },
            { value: "digest", text: "every byte" },
            { value: "counts", text: "the number of rows" },
            { value: "none", text: "not at all" },
          ]}
        />
      </details>
    </Dialog>
  );
}

function NoTarget({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      title="No database accepts a restore"
      action="OK"
      onClose={onClose}
      onConfirm={async () => onClose()}
    >
      <p>
        Add <code>"writable": true</code> to a source in <code>EXPORT_SOURCES</code>, and deploy.
        Restores write only into such sources.
      </p>
      <p>
        To restore into a file on your machine, download the export and run{" "}
        <code>npx durable-export restore FILE --to new.sqlite</code>.
      </p>
    </Dialog>
  );
}
