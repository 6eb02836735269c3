/** What follows an attempt to send a callback. `status` is what the job view shows. */
export type CallbackMove =
  | { status: "delivered" }
  | { status: "failed" }
  | { status: "pending"; delayMs: number };
