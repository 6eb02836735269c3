/** What the end of a file must know of a group of rows. */
export interface GroupNote {
  rows: number;
  /** For each column, and then for the column of other values: how long its chunk is. */
  chunks: { compressedBytes: number; uncompressedBytes: number }[];
}

/** Returns a note as a short text: 10,000 groups of 100 columns are about 15 MB. */
export function formatNote({ rows, chunks }: GroupNote): string {
  return [
    rows,
    ...chunks.flatMap(({ compressedBytes, uncompressedBytes }) => [
      compressedBytes,
      uncompressedBytes,
    ]),
  ].join(" ");
}

/** Reads the text of `formatNote`. */
export function parseNote(note: string): GroupNote {
  const [rows = 0, ...sizes] = note.split(" ").map(Number);
  const chunks: GroupNote["chunks"] = [];
  for (let at = 0; at < sizes.length; at += 2) {
    chunks.push({ compressedBytes: sizes[at] ?? 0, uncompressedBytes: sizes[at + 1] ?? 0 });
  }
  return { rows, chunks };
}
