import type { ArtifactRecord } from "./artifact-record.ts";
import type { Cursor } from "./cursor.ts";
import type { NextAction } from "./next-action.ts";

/** What a run needs to resume: the newest checkpoint, as plain data. */
export interface Checkpoint {
  number: number;
  cursor: Cursor;
  /** The artifact of the cursor; undefined when everything is read. */
  artifact: ArtifactRecord | undefined;
  /** Bytes produced and not yet stored. */
  carry: Uint8Array[];
  /** Bytes of all artifacts so far, carry included. */
  bytes: number;
  next: NextAction;
}
