import { oneLine } from "./format.ts";

/** Thrown for a file that cannot be used. The message addresses the user. */
export class UnusableFile extends Error {
  override name = "UnusableFile";
}

/** Explanations by SQLite's result code (https://www.sqlite.org/rescode.html). */
const HINTS = new Map([
  [5, "another program is writing it; try again when it has finished"],
  [11, "the file is damaged; `sqlite3 FILE .recover` may save its rows"],
]);

/** Turns an error of SQLite or the file system into an `UnusableFile` that names the file. */
export function toUnusableFile(path: string, cause: unknown): UnusableFile {
  if (cause instanceof UnusableFile) return cause;
  const { message, errcode } = cause as Error & { errcode?: number };
  // An extended code contains the basic code in its lowest byte.
  const hint = HINTS.get((errcode ?? 0) & 0xff);
  const ending = hint === undefined ? "" : ` (${hint})`;
  return new UnusableFile(`${path} cannot be read: ${oneLine(message)}${ending}`, { cause });
}
