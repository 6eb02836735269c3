import { useState } from "preact/hooks";

import { formatAbsolute, formatDuration, formatRelative } from "../format/times.ts";
import { formatBytes, formatCount, formatDollars, formatLargeCount } from "../format/units.ts";
import { useNow, usePage } from "../state/page-context.ts";
import { Icon } from "./icon.tsx";

/** A time as it is said; the exact one on hover. */
export function Time({ at, none = "–" }: { at: string | null; none?: string }) {
  const now = useNow();
  if (at === null) return <span class="muted">{none}</span>;
  const atMs = Date.parse(at);
  return (
    <time dateTime={at} title={formatAbsolute(atMs)}>
      {formatRelative(atMs, now)}
    </time>
  );
}

/** A size in a unit that people read; the exact one on hover. */
export function Bytes({ value }: { value: number }) {
  return (
    <data value={String(value)} title={`${formatCount(value)} bytes`}>
      {formatBytes(value)}
    </data>
  );
}

/** A count, shortened if it is long; the exact one on hover. */
export function Count({ value }: { value: number }) {
  return (
    <data value={String(value)} title={formatCount(value)}>
      {formatLargeCount(value)}
    </data>
  );
}

/** A length of time; the exact one on hover. */
export function Duration({ ms }: { ms: number | null }) {
  if (ms === null) return <span class="muted">–</span>;
  return (
    <data value={String(ms)} title={`${formatCount(ms)} ms`}>
      {formatDuration(ms)}
    </data>
  );
}

export function Dollars({ value, title }: { value: number; title: string }) {
  return (
    <data value={String(value)} title={title}>
      {formatDollars(value)}
    </data>
  );
}

interface CopiedProps {
  text: string;
  /** What it is, such as `id`. */
  what: string;
  /** How many characters are shown; default 8. */
  shown?: number;
  /** What is shown instead. */
  label?: string;
}

/** A long id or hash: its beginning, and a button that copies all of it. */
export function CopiedText({ text, what, shown = 8, label }: CopiedProps) {
  const { announce } = usePage();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      announce(`Copied the ${what}.`);
      setTimeout(() => setCopied(false), 2_000);
    } catch {
      announce(`The browser does not let this page copy. The ${what} is ${text}.`);
    }
  };
  return (
    <span class="copied">
      <code title={text}>{label ?? (text.length > shown ? `${text.slice(0, shown)}…` : text)}</code>
      <button
        type="button"
        class="quiet small"
        aria-label={`Copy the ${what} ${text.slice(0, 8)}`}
        title={`Copy the ${what}`}
        onClick={() => void copy()}
      >
        <Icon name={isCopied ? "check" : "copy"} />
      </button>
    </span>
  );
}
