/** The longest wait between two checks, in milliseconds. */
const POLL_MS_MAX = 20_000;

/**
 * Returns how many milliseconds a run waits between check `number`, from 1, of another job and the next one. The waits
 * double from 1 to 20 seconds. They end after a third of `stallMs`, so that the watchdog does not mistake a run that
 * waits for a silent one.
 */
export function getPollDelayMs(number: number, stallMs: number): number {
  return Math.min(POLL_MS_MAX, Math.floor(stallMs / 3), 500 * 2 ** Math.min(number, 10));
}
