import { experimental_getWranglerCommands as getWranglerCommands } from "wrangler";

/**
 * What is wrong with a call of wrangler, in sentences, according to wrangler's own list of commands
 * and options: for commands that would call Cloudflare.
 */
export function wranglerProblems(words: readonly string[]): string[] {
  const { registry, globalFlags } = getWranglerCommands();
  let node = registry;
  const path: string[] = [];
  for (const word of words) {
    const next = node.subtree.get(word);
    if (next === undefined) break;
    node = next;
    path.push(word);
  }
  const { definition } = node;
  if (definition?.type !== "command") return [`wrangler has no command "${words.join(" ")}"`];
  const options = { ...globalFlags, ...definition.args };
  const known = new Set(
    Object.entries(options).flatMap(([name, option]) => [name, ...aliasesOf(option)]),
  );
  return words
    .slice(path.length)
    .filter((word) => word.startsWith("-"))
    .map((word) => word.replace(/^--?/, "").replace(/=.*/s, ""))
    .filter((name) => !known.has(name))
    .map((name) => `wrangler ${path.join(" ")} has no option "${name}"`);
}

function aliasesOf(option: object): string[] {
  if (!("alias" in option)) return [];
  const { alias } = option;
  return Array.isArray(alias) ? alias.map(String) : [String(alias)];
}
