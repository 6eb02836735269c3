import type { CopyView } from "../../src/api/copies.ts";
import { Fact } from "../parts/fact.tsx";
import { Bytes, CopiedText, Time } from "../parts/values.tsx";

/** The copies of an export or a fleet at its destinations; nothing if there are none. */
export function CopiesFact({ copies }: { copies: readonly CopyView[] }) {
  if (copies.length === 0) return null;
  return (
    <Fact name="Copies">
      {copies.map((copy) => (
        <CopyLine key={copy.destination} copy={copy} />
      ))}
    </Fact>
  );
}

/** How far the copy at one destination is, and where it is. */
function CopyLine({ copy }: { copy: CopyView }) {
  const { destination, state, folder, sealed, bytes, nextAttemptAt, error } = copy;
  return (
    <p>
      {destination}: {state}, <Bytes value={bytes} />
      {sealed && ", sealed"} <CopiedText text={folder} what="folder" label="folder" />
      {nextAttemptAt !== null && (
        <>
          {" "}
          next attempt <Time at={nextAttemptAt} />
        </>
      )}
      {error !== null && <span class="muted"> ({error.message})</span>}
    </p>
  );
}
