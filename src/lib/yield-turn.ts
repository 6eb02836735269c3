/** How long other work waits for its turn, in milliseconds. */
const TURN_MS = 5;

/**
 * How many turns other work gets at once. The local runtime has one thread, and each turn moves an
 * outside request forward by one step. During an export of 100 MB, a write took 1 s with one turn
 * after each page, 0.3 s with three, and 0.1 s with eight. Three turns slow the export by 9 %, and
 * eight by half (November 2026). In production, the database, its writers and the export have their
 * own threads.
 */
const TURNS = 3;

/** Lets everything that is waiting take its turn, including network traffic. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

/**
 * Returns a function to call between pieces of work. Each piece must itself wait for something,
 * because otherwise the clock stands still.
 *
 * A run that never waits for anything outside keeps workerd's queue full, and no request is
 * answered until the run ends. During a local export of 100 MB a status request took 12 s, and
 * 0.2 s with turns in between. A turn takes a millisecond or two, so only some pieces are followed
 * by one: 500 tables of 145 KB took 3.8 s with a turn after each page, and 3.0 s with this function
 * (November 2026).
 */
export function makeTurnYielder(): () => Promise<void> {
  let yieldedAtMs = Date.now();
  return async () => {
    if (Date.now() - yieldedAtMs < TURN_MS) return;
    for (let turn = 0; turn < TURNS; turn += 1) await yieldTurn();
    yieldedAtMs = Date.now();
  };
}
