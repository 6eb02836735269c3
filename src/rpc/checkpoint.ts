import type { ArtifactRecord } from "./artifact-record.ts";
import type { Cursor } from "./cursor.ts";
import type { NextAction } from "./next-action.ts";

/** What a run needs to resume: the newest checkpoint, as plain data. */
export interface Checkpoint {
  number: number;
  cursor: Cursor;
  /** The artifact at the cursor; undefined when everything is read. */
  artifact: ArtifactRecord | undefined;
  /** Bytes that were produced but not yet stored. */
  carry: Uint8Array[];
  /** Bytes of all artifacts so far, including the carry. */
  bytes: number;
  next: NextAction;
}
