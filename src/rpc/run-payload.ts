/** What a run's Workflow instance is started with. */
export interface RunParams {
  jobId: string;
  run: number;
  /**
   * Where set, the instance exports nothing: it closes what an ended job has left open, and sends the
   * job's callback from this try on.
   */
  callbackFrom?: number;
}

/** What an instance is started with that closes the snapshot of a stream whose lease has run out. */
export interface StreamEnding {
  streamId: string;
}
