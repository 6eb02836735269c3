import { useEffect, useState } from "preact/hooks";

import { formatCount } from "../format/units.ts";

const ROWS_MAX = 50;

interface Pages {
  first: number;
  last: number;
  total: number;
  onMove: (first: number) => void;
}

/** Cuts a list into pages of 50. Starts at the first page again if `reset` changes. */
export function usePages<T>(list: readonly T[], reset: string): Pages & { shown: readonly T[] } {
  const [wanted, setFirst] = useState(0);
  useEffect(() => setFirst(0), [reset]);
  const first = wanted < list.length ? wanted : 0;
  const last = Math.min(first + ROWS_MAX, list.length);
  return { shown: list.slice(first, last), first, last, total: list.length, onMove: setFirst };
}

/** The place in a list of several pages; nothing if there is only one. */
export function Pager({ first, last, total, onMove, what }: Pages & { what: string }) {
  if (total <= ROWS_MAX) return null;
  return (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      <button
        type="button"
        disabled={first === 0}
        onClick={() => onMove(Math.max(0, first - ROWS_MAX))}
      >
        Previous
      </button>
      <p>
        {formatCount(first + 1)} to {formatCount(last)} of {formatCount(total)} {what}
      </p>
      <button type="button" disabled={last >= total} onClick={() => onMove(last)}>
        Next
      </button>
    </nav>
  );
}
