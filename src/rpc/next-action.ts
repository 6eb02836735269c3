/** What the Workflow does next. It depends only on recorded values, so that a replay repeats it. */
export type NextAction =
  | { do: "open-artifact"; ordinal: number; artifact: string }
  | { do: "export"; checkpoint: number; table: string; chunk: number }
  | { do: "complete-artifact"; ordinal: number; artifact: string }
  /** Everything is stored; `artifact` is the first one to verify. */
  | { do: "finish"; artifact: string };
