/** Marks a value that was not measured. */
export const NOTHING = "–";

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function seconds(value: number | null): string {
  return value === null ? NOTHING : value.toFixed(2);
}

export function percent(of: number | null, to: number): string {
  return of === null ? NOTHING : `${Math.round((100 * of) / to)} %`;
}

export function ratio(of: number | null, to: number | null): string {
  return of === null || to === null ? NOTHING : (of / to).toFixed(2);
}
