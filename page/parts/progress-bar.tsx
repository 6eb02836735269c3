/** How far something is; without a known end it moves from side to side. */
export function ProgressBar({ percent, label }: { percent: number | null; label: string }) {
  return (
    <progress
      aria-label={label}
      max={100}
      {...(percent === null ? {} : { value: percent, title: `${percent.toFixed(1)} %` })}
    />
  );
}
