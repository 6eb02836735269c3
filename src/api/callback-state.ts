/** The states of a callback in a job view; `none` if the job has no callback URL. */
export const CALLBACK_STATUSES = ["none", "pending", "delivered", "failed"] as const;

export type CallbackStatus = (typeof CALLBACK_STATUSES)[number];

/** What follows an attempt. `status` is what the job view shows. */
export type CallbackMove =
  | { status: "delivered" }
  | { status: "failed" }
  | { status: "pending"; delayMs: number };
