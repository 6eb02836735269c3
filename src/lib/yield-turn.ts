/** How long others wait for their turns, in milliseconds. */
const TURN_MS = 5;

/**
 * Turns that others get at once. The local runtime has one thread, and in each turn a request from outside
 * proceeds one step: writes beside an export of 100 MB took 1 s with one turn after each page, 0.3 s with three, and
 * 0.1 s with eight. Three cost the export 9 %, eight half of its speed (November 2026). In production the
 * database, its writers and the export have threads of their own.
 */
const TURNS = 3;

/** Lets everything that is waiting have its turn, network traffic included. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

/**
 * Makes a function to call between pieces of work. Each piece must wait for something itself, because the clock
 * stands still otherwise.
 *
 * A run that never waits for anything outside keeps workerd's queue full, and then no request is answered until
 * it ends: 12 s for a status request during a local export of 100 MB, and 0.2 s with turns between. A turn takes
 * a millisecond or two, so not every piece is followed by one: 500 tables of 145 KB took 3.8 s with a turn after
 * each page, and 3.0 s with this function (November 2026).
 */
export function makeTurnYielder(): () => Promise<void> {
  let yieldedAtMs = Date.now();
  return async () => {
    if (Date.now() - yieldedAtMs < TURN_MS) return;
    for (let turn = 0; turn < TURNS; turn += 1) await yieldTurn();
    yieldedAtMs = Date.now();
  };
}
