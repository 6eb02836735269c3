/** The states of a callback in a job view; `none` if the job has no callback URL. */
export const CALLBACK_STATUSES = ["none", "pending", "delivered", "failed"] as const;

export type CallbackStatus = (typeof CALLBACK_STATUSES)[number];
