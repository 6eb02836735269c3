/** What a scratch database does in addition to the methods of a source. */
export interface ScratchObject extends Rpc.DurableObjectBranded {
  /** Deletes everything in the object. Repeating it is harmless. */
  discard(): Promise<void>;
}
