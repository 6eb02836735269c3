/**
 * The exit codes of the process; docs/cli.md documents them for users, and scripts rely on them.
 */
export const EXIT = {
  /** Everything that was requested is done. */
  done: 0,
  /** The export or restore failed, a file does not match the manifest, or it cannot be written. */
  failed: 1,
  /**
   * The command line, the configuration or the request is wrong: the same call would fail again.
   */
  usage: 2,
  /** The Worker cannot be reached, or refuses: wrong URL, wrong token, unknown job, busy source. */
  refused: 3,
  /** Ended by Ctrl-C or a signal, as in shells (128 + SIGINT). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
