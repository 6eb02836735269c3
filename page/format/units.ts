const countFormat = new Intl.NumberFormat("en");
const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** 1234567 → "1,234,567". */
export function formatCount(value: number): string {
  return countFormat.format(value);
}

/** "1 row", "2 rows"; the count with separators. */
export function formatNumberOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** 1234567 → "1.23 MB"; powers of 1000, three digits, as the command line writes them. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(Math.round(value)) : value.toPrecision(3)} ${BYTE_UNITS[unit]}`;
}

/** 1234567 → "1.23 M"; three digits from a thousand. */
export function formatLargeCount(count: number): string {
  if (count < 100_000) return formatCount(count);
  const [divisor, unit] = count < 1e6 ? [1e3, "k"] : count < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${(count / divisor).toPrecision(3)} ${unit}`;
}

/** 0.0012 → "$0.0012"; two digits that differ from zero below a cent, cents above. */
export function formatDollars(dollars: number): string {
  if (dollars === 0) return "$0";
  if (dollars < 0.000_01) return "under $0.00001";
  return dollars < 0.01 ? `$${Number(dollars.toPrecision(2))}` : `$${dollars.toFixed(2)}`;
}
