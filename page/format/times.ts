export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

const absoluteFormat = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const dayFormat = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const clockFormat = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** 3723 s → "1 h 2 min"; 62 s → "1 min 2 s"; 5.24 s → "5.2 s"; 3 days and more in days. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms / SECOND_MS);
  // An axis up to 0.2 s has a tick every 0.05 s.
  if (seconds < 0.995) return `${Number(seconds.toFixed(2))} s`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return join(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 2 * 86_400)
    return join(Math.floor(whole / 3_600), "h", Math.floor((whole % 3_600) / 60), "min");
  return `${Math.round(whole / 86_400)} days`;
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** A length of time in its largest unit: "40 s", "5 min", "6 h", "3 days". */
export function formatAge(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.round(ms / SECOND_MS))} s`;
  if (ms < HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}

/** "just now", "5 min ago", "in 6 days". */
export function formatRelative(atMs: number, nowMs: number): string {
  const ageMs = nowMs - atMs;
  if (Math.abs(ageMs) < 10 * SECOND_MS) return "just now";
  return ageMs > 0 ? `${formatAge(ageMs)} ago` : `in ${formatAge(-ageMs)}`;
}

/** The time in the reader's time zone, with its name. */
export function formatAbsolute(atMs: number): string {
  return absoluteFormat.format(atMs);
}

/** A time on an axis: a clock time if the axis spans less than two days, or else a day. */
export function formatAxisTime(atMs: number, spanMs: number): string {
  return (spanMs < 2 * DAY_MS ? clockFormat : dayFormat).format(atMs);
}
