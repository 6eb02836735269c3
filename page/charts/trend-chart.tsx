import { useEffect, useRef, useState } from "preact/hooks";

import { formatAbsolute, formatAxisTime } from "../format/times.ts";
import { listSecondTicks, listTicks, listTimes } from "./scale.ts";

export interface Point {
  id: string;
  atMs: number;
  value: number;
}

interface TrendProps {
  title: string;
  /** Oldest first. */
  points: readonly Point[];
  /** How values are read: `seconds` have ticks at round minutes. */
  unit: "bytes" | "seconds";
  format: (value: number) => string;
  /** The exact value, for the table. */
  formatExact: (value: number) => string;
}

const HEIGHT = 200;
const TOP = 12;
const BOTTOM = 28;
const LEFT = 64;
const RIGHT = 16;

/** Values over time, as a line with axes. The same values are in a table, for people who do not see the line. */
export function TrendChart({ title, points, unit, format, formatExact }: TrendProps) {
  const [box, width] = useWidth();
  const [hovered, setHovered] = useState<Point | null>(null);
  const [first, last] = [points[0], points.at(-1)];
  return (
    <figure class="chart">
      <figcaption>
        {title} <span class="muted">of each completed export</span>
      </figcaption>
      <div ref={box} class="plot">
        {first === undefined || last === undefined || points.length < 2 ? (
          <p class="muted center">
            {points.length === 0
              ? "No completed export yet."
              : `One completed export: ${format(first?.value ?? 0)}. The line starts with the second.`}
          </p>
        ) : (
          <>
            <Line
              {...{ points, unit, format, width, hovered }}
              label={`${title}: from ${format(first.value)} to ${format(last.value)} in ${points.length} exports`}
              onHover={setHovered}
            />
            {hovered !== null && (
              <p class="tip" aria-hidden="true">
                <strong>{format(hovered.value)}</strong> {formatAbsolute(hovered.atMs)}
              </p>
            )}
          </>
        )}
      </div>
      {points.length > 1 && (
        <details>
          <summary>Values of “{title}” as a table</summary>
          <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col" class="number">
                    {title}
                  </th>
                </tr>
              </thead>
              <tbody>
                {points.toReversed().map(({ id, atMs, value }) => (
                  <tr key={id}>
                    <td>{formatAbsolute(atMs)}</td>
                    <td class="number">{formatExact(value)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </figure>
  );
}

interface LineProps extends Pick<TrendProps, "points" | "unit" | "format"> {
  width: number;
  label: string;
  hovered: Point | null;
  onHover: (point: Point | null) => void;
}

function Line({ points, unit, format, width, label, hovered, onHover }: LineProps) {
  const [fromMs, toMs] = [points[0]?.atMs ?? 0, points.at(-1)?.atMs ?? 1];
  const spanMs = Math.max(1, toMs - fromMs);
  const max = Math.max(...points.map(({ value }) => value));
  const ticks = unit === "bytes" ? listTicks(max) : listSecondTicks(max);
  const top = ticks.at(-1) ?? 1;
  const x = (atMs: number): number =>
    LEFT + ((atMs - fromMs) / spanMs) * Math.max(1, width - LEFT - RIGHT);
  const y = (value: number): number => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const places = points.map((point) => `${x(point.atMs).toFixed(1)},${y(point.value).toFixed(1)}`);
  const times = listTimes(fromMs, toMs, width < 420 ? 3 : 5);
  const find = (event: PointerEvent & { currentTarget: SVGSVGElement }): void => {
    const at = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const gap = (point: Point): number => Math.abs(x(point.atMs) - at);
    onHover(points.reduce((best, point) => (gap(point) < gap(best) ? point : best)));
  };
  return (
    <svg
      role="img"
      aria-label={label}
      width={width}
      height={HEIGHT}
      onPointerMove={find}
      onPointerLeave={() => onHover(null)}
    >
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
            {format(tick)}
          </text>
        </g>
      ))}
      {times.map((atMs, at) => (
        <text
          key={at}
          x={x(atMs)}
          y={HEIGHT - 8}
          text-anchor={at === 0 ? "start" : at === times.length - 1 ? "end" : "middle"}
        >
          {formatAxisTime(atMs, spanMs)}
        </text>
      ))}
      <polygon
        class="area"
        points={`${x(fromMs)},${y(0)} ${places.join(" ")} ${x(toMs)},${y(0)}`}
      />
      <polyline class="line" points={places.join(" ")} />
      {points.length <= 60 &&
        points.map((point) => (
          <circle key={point.id} class="dot" cx={x(point.atMs)} cy={y(point.value)} r="2.5" />
        ))}
      {hovered !== null && (
        <>
          <line class="cursor" x1={x(hovered.atMs)} x2={x(hovered.atMs)} y1={TOP} y2={y(0)} />
          <circle class="dot large" cx={x(hovered.atMs)} cy={y(hovered.value)} r="4.5" />
        </>
      )}
    </svg>
  );
}

/** Returns a reference for an element, and the element's width in pixels as it changes. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    if (box.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}

/** A line without axes, which only shows the direction. The numbers next to it say the rest. */
export function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 2) return null;
  const max = Math.max(...values, 1);
  const places = values.map(
    (value, at) =>
      `${((at / (values.length - 1)) * 92 + 2).toFixed(1)},${(23 - (value / max) * 18).toFixed(1)}`,
  );
  return (
    <svg class="sparkline" viewBox="0 0 96 24" width="96" height="24" aria-hidden="true">
      <polygon class="area" points={`2,23 ${places.join(" ")} 94,23`} />
      <polyline class="line" points={places.join(" ")} />
    </svg>
  );
}
