import { ExportError } from "../../api/errors.ts";

/** How a restored database differs from its dump. */
export interface Difference {
  /** The table whose rows differ; null if it is unknown, or if the difference is not in rows. */
  table: string | null;
  /** The first and last key between which the difference lies; null if they are unknown. */
  firstKey: string | null;
  lastKey: string | null;
  /** A sentence without its period. */
  message: string;
}

/** The first statement in which two dumps differ. */
export interface OtherStatement {
  /** The table whose rows it contains; null for other statements. */
  table: string | null;
  /** A phrase that names what differs. */
  message: string;
}

/** Finds the first statement that differs; null if none is found. */
export type Locate = () => Promise<OtherStatement | null>;

/** Returns the error of a difference, with its place in the message and the details. */
export function toDifferenceError(difference: Difference): ExportError {
  const { table, firstKey, lastKey, message } = difference;
  return new ExportError("restore-differs", `${message}${describeKeys(difference)}`, {
    details: {
      ...(table !== null && { table }),
      ...(firstKey !== null && { firstKey }),
      ...(lastKey !== null && { lastKey }),
    },
  });
}

function describeKeys({ firstKey, lastKey }: Difference): string {
  if (firstKey === null) return "";
  return lastKey === null
    ? `, from key ${firstKey} on`
    : `, between the keys ${firstKey} and ${lastKey}`;
}
