import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

import { usageError } from "../cli-error.ts";
import { COMPLETION_SCRIPTS } from "../completion-scripts.ts";
import type { Host } from "../host.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"];

/**
 * `complete`: prints a shell's completion script, and with `--` the candidates for the words after
 * it. Add it last: it completes only the commands that exist at that point.
 */
export function addComplete(program: Command, host: Pick<Host, "stdout">): void {
  const completions = tab(program);
  program.commands
    .find((command) => command.name() === "complete")
    ?.description("print a completion script for bash, zsh, fish or powershell")
    .action((shell: string | undefined, _options: object, self: Command) => {
      const { rawArgs } = program as Command & { rawArgs: string[] };
      if (rawArgs[rawArgs.indexOf("complete") + 1] === "--") return completions.parse(self.args);
      if (shell === undefined || !SHELLS.includes(shell)) {
        throw usageError(
          shell === undefined ? "name a shell" : `unknown shell ${JSON.stringify(shell)}`,
          `Write \`npx durable-export complete SHELL\`, with ${SHELLS.join(", ")} for SHELL.`,
        );
      }
      const script = COMPLETION_SCRIPTS[shell];
      if (script === undefined) completions.setup("durable-export", "durable-export", shell);
      else host.stdout.write(script);
    });
}
