/** One run of a job. Its commits name it, and those of an older run are refused. */
export interface RunId {
  jobId: string;
  /** From 1. */
  run: number;
}

/** What the Workflow instance of a run is started with. */
interface RunStart extends RunId {
  /**
   * Why the watchdog replaced the run before this one. Undefined for a job's first run, and in payloads of
   * earlier versions.
   */
  rescuedFor?: string;
  callbackFrom?: never;
}

/** What an instance is started with that exports nothing, but closes what an ended job has left open. */
interface JobEnding extends RunId {
  /** The instance sends the job's callback from this attempt on. */
  callbackFrom: number;
  rescuedFor?: never;
}

/** What an instance that works on a job is started with. */
export type RunParams = RunStart | JobEnding;

/** What an instance is started with that closes the snapshot of a stream whose lease has run out. */
export interface StreamEnding {
  streamId: string;
}
