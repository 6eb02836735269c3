const countFormat = new Intl.NumberFormat("en");
/** The width of terminals that do not report theirs. */
export const COLUMNS_DEFAULT = 80;

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** 1234567 → "1,234,567". */
export function formatCount(value: number): string {
  return countFormat.format(value);
}

/** "1 row", "2 rows"; the count with separators. */
export function formatNumberOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** "queued, number 3 in the queue"; "queued" for a job that is started and does nothing yet. */
export function formatQueued(position: number | null): string {
  return position === null ? "queued" : `queued, number ${formatCount(position)} in the queue`;
}

/** " (and 1 more table differs)", " (and 2 more tables differ)"; empty for none. */
export function formatMoreDiffer(count: number, noun: string): string {
  const verb = count === 1 ? "differs" : "differ";
  return count === 0 ? "" : ` (and ${formatNumberOf(count, `more ${noun}`)} ${verb})`;
}

/** 1234567 → "1.23 MB"; powers of 1000, three digits. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** 3723 → "1 h 2 min"; 62 → "1 min 2 s"; 5.2 → "5 s". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const COLUMN_GAP = "  ";

/** A first column that is cut to fewer characters identifies no row. */
const FIRST_COLUMN_CHARS_MIN = 8;

/** What the indent and the comma leave of a line. */
const DETAIL_CHARS_MAX = COLUMNS_DEFAULT - 3;

/**
 * Columns padded to their widest cell; columns that contain only numbers are aligned right. Cells of the first
 * column end in `…` if the table would be wider than `columnsMax` characters.
 */
export function formatTable(header: string[], rows: string[][], columnsMax: number): string {
  const widest = (cells: string[][], column: number): number =>
    Math.max(...cells.map((row) => (row[column] ?? "").length));
  const others = header
    .slice(1)
    .reduce((sum, _, at) => sum + COLUMN_GAP.length + widest([header, ...rows], at + 1), 0);
  const firstMax = Math.max(columnsMax - others, FIRST_COLUMN_CHARS_MIN);
  const all = [header, ...rows].map(([first = "", ...rest]) => [
    first.length > firstMax ? shorten(first, firstMax - 1) : first,
    ...rest,
  ]);
  const widths = header.map((_, column) => widest(all, column));
  const isNumber = header.map((_, column) =>
    rows.every((row) => /^[\d,.]*( [kMGT]?B)?%?$/.test(row[column] ?? "")),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
        })
        .join(COLUMN_GAP)
        .trimEnd(),
    )
    .join("\n");
}

/**
 * A line that starts with a job's id, and indented lines below it with `details`, separated by commas. A line is
 * broken between details to stay within 80 characters, so every column of a list is seen on every terminal.
 */
export function formatRecord(headline: string, details: readonly string[]): string {
  const lines = [headline];
  let line = "";
  for (const [at, detail] of details.entries()) {
    const whole = detail.length > DETAIL_CHARS_MAX ? shorten(detail, DETAIL_CHARS_MAX - 1) : detail;
    const piece = at === details.length - 1 ? whole : `${whole},`;
    const longer = line === "" ? `  ${piece}` : `${line} ${piece}`;
    if (line !== "" && longer.length > COLUMNS_DEFAULT) {
      lines.push(line);
      line = `  ${piece}`;
    } else {
      line = longer;
    }
  }
  return [...lines, line].join("\n");
}

/** Makes text from a server or a database fit for one line of a terminal: no control characters. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters that drive a terminal
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
}

/** The first `charsMax` characters of `text`, and `…` if there are more. */
export function shorten(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax).toWellFormed()}…` : text;
}
