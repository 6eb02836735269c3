/** What follows an attempt to send a callback. The job view shows `status`. */
export type CallbackMove =
  | { status: "delivered" }
  | { status: "failed" }
  | { status: "pending"; delayMs: number };
