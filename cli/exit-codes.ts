/** What the process ends with; docs/cli.md tells them to users, and scripts rely on them. */
export const EXIT = {
  /** All that was asked is done. */
  done: 0,
  /** The export or restore failed, a file is not what the manifest says, or it cannot be written. */
  failed: 1,
  /** The command line, the configuration or the request is wrong: the same call fails again. */
  usage: 2,
  /** The Worker cannot be reached, or refuses: wrong URL, wrong token, unknown job, busy source. */
  refused: 3,
  /** Ended by Ctrl-C or a signal, as shells have it (128 + SIGINT). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
