/** Marks a value that was not measured. */
export const NOTHING = "–";

/** Returns a Markdown table. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Returns a size in MB, with its unit. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Returns seconds without a unit; a dash for null. */
export function seconds(value: number | null): string {
  return value === null ? NOTHING : value.toFixed(2);
}

/** Returns a share in percent; a dash for null. */
export function percent(of: number | null, to: number): string {
  return of === null ? NOTHING : `${Math.round((100 * of) / to)} %`;
}

/** Returns one value divided by another; a dash for null. */
export function ratio(of: number | null, to: number | null): string {
  return of === null || to === null ? NOTHING : (of / to).toFixed(2);
}
