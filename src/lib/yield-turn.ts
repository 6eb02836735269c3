/** How long a run may go on before others have their turn: less than an ordinary page takes. */
const TURN_MS = 2;

/**
 * Makes a function to be called between two pieces of work. It lets everything else that is waiting
 * have its turn, network traffic included, once the last turn was 2 ms ago.
 *
 * A run that never waits for anything outside keeps workerd's queue full, and then nobody is
 * answered until it ends: 12 s for a status request during a local export of 100 MB, 0.2 s with one
 * turn a page. A turn takes a millisecond or two, thus none after each of 1,000 tiny tables.
 */
export function turnYielder(): () => Promise<void> {
  let yieldedAtMs = Date.now();
  return async () => {
    if (Date.now() - yieldedAtMs < TURN_MS) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    yieldedAtMs = Date.now();
  };
}
