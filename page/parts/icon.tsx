/** Each icon is drawn in a square of 16 units, with lines of the text's color. */
const PATHS = {
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  warning: "M8 2.2l6.3 11.3H1.7zM8 6.5v3.2M8 11.6v.2",
  clock: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 4.6V8l2.4 1.6",
  running: "M8 1.8a6.2 6.2 0 106.2 6.2",
  stop: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM4 12L12 4",
  expired: "M4.2 2h7.6M4.2 14h7.6M5 2c0 3.6 6 4 6 6s-6 2.4-6 6M11 2c0 3.6-6 4-6 6s6 2.4 6 6",
  database:
    "M2.8 4c0-2.6 10.4-2.6 10.4 0v8c0 2.6-10.4 2.6-10.4 0zM2.8 4c0 2.6 10.4 2.6 10.4 0M2.8 8c0 2.6 10.4 2.6 10.4 0",
  download: "M8 2v8M4.6 6.8L8 10.2l3.4-3.4M2.5 13.5h11",
  restore: "M2.6 8a5.4 5.4 0 101.7-3.9L2.4 5.8M2.4 2.4v3.4h3.4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  trash: "M2.5 4h11M6 4V2.3h4V4M4 4l.700 9.7h6.6L12 4M6.6 6.8v4.2M9.4 6.8v4.2",
  plus: "M8 3v10M3 8h10",
  proof: "M8 1.6l5.4 2v4c0 3.4-2.3 5.7-5.4 6.8-3.1-1.1-5.4-3.4-5.4-6.8v-4zM5.4 8l1.9 1.9 3.3-3.5",
  offline: "M1.8 6a9 9 0 0112.4 0M4.3 8.7a5.4 5.4 0 017.4 0M6.7 11.3a1.9 1.9 0 012.6 0M2 14L14 2",
  lock: "M3.5 7h9v6.5h-9zM5.3 7V5a2.7 2.7 0 015.4 0v2",
  target: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 5.4a2.6 2.6 0 100 5.2 2.6 2.6 0 000-5.2z",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon that only decorates: the text next to it says the same. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
