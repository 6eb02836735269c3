import * as v from "valibot";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const VERIFICATIONS = ["checksum", "restore"] as const;

/**
 * How a job checks what it has stored. `checksum` reads the files back and compares each chunk with what was written.
 * `restore` also loads the dump into an empty database and compares that with the dump.
 */
export const VerifySchema = v.pipe(
  v.picklist(VERIFICATIONS),
  v.description(
    "`checksum` (the default) reads the stored files back. `restore` also restores the dump into a scratch database " +
      "and compares it.",
  ),
);

export type Verify = v.InferOutput<typeof VerifySchema>;

export const VERIFY_DEFAULT: Verify = "checksum";

/** How far a job's proof is, in its view and its manifest. */
export const ProofSchema = v.strictObject({
  /** `none` until the proof begins, and for jobs that ask for none. */
  state: v.pipe(
    v.picklist(["none", "running", "proved", "failed"]),
    v.description("`none` until the proof begins, and if the job asks for none."),
  ),
  /** When the proof ended; null before. */
  at: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
  /** How long the proof has taken, in seconds; null before it ends. */
  seconds: v.nullable(v.pipe(v.number(), v.minValue(0))),
  /** Rows that were compared. */
  rows: Count,
  /** Rows that restoring has written, index entries included, as the runtime bills them. */
  rowsWritten: Count,
  /** Chunks of the dump that are equal. */
  pieces: Count,
});

export type Proof = v.InferOutput<typeof ProofSchema>;

/** The proof of a job that has begun none. */
export const PROOF_NONE: Proof = {
  state: "none",
  at: null,
  seconds: null,
  rows: 0,
  rowsWritten: 0,
  pieces: 0,
};
