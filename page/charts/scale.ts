/** Steps of an axis, as multiples of a power of ten. */
const STEPS = [1, 2, 2.5, 5, 10];

/** Returns the ticks of an axis from 0 to at least `max`, about `count` of them, at round values. */
export function listTicks(max: number, count = 4): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((each) => each * power >= rough * 0.999) ?? 10) * power;
  return Array.from({ length: Math.ceil(max / step - 0.001) + 1 }, (_, at) => at * step);
}

/** Returns ticks in seconds: above a minute they are round in minutes, and above an hour in hours. */
export function listSecondTicks(max: number): number[] {
  const unit = max >= 7_200 ? 3_600 : max >= 120 ? 60 : 1;
  return listTicks(max / unit).map((tick) => tick * unit);
}

/** Returns up to `count` times between two others, evenly. */
export function listTimes(fromMs: number, toMs: number, count: number): number[] {
  if (toMs <= fromMs || count < 2) return [toMs];
  return Array.from({ length: count }, (_, at) => fromMs + ((toMs - fromMs) * at) / (count - 1));
}
