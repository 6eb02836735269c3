import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const DOCS = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");

/** The folders of the drawn tree. An indented line is below the last less indented one. */
function drawnFolders(): string[] {
  const tree = /## The tree[^]*?```\n([^]*?)```/.exec(DOCS)?.[1] ?? "";
  const parents: { indent: number; path: string }[] = [];
  const folders: string[] = [];
  for (const line of tree.split("\n")) {
    const indent = line.search(/\S/);
    const names = /^\s*((?:[\w-]+\/(?:  |$))*[\w-]+\/)(?: |$)/.exec(line)?.[1]?.split(/ +/) ?? [];
    while ((parents.at(-1)?.indent ?? -1) >= indent && indent >= 0) parents.pop();
    for (const name of names) {
      const path = `${parents.at(-1)?.path ?? ""}${name}`;
      folders.push(path.replace(/\/$/, ""));
    }
    if (names.length === 1) parents.push({ indent, path: folders.at(-1) + "/" });
  }
  return folders.sort();
}

test("docs/architecture.md draws the folders of src/ and test/ that exist", () => {
  const folders = (root: string, depth: string): string[] =>
    globSync(`${root}/${depth}/`, { cwd: ROOT }).map((path) =>
      path.replaceAll("\\", "/").replace(/\/$/, ""),
    );
  const existing = [...folders("src", "*"), ...folders("src", "*/*"), ...folders("test", "*")];
  const drawn = drawnFolders();
  expect(drawn.filter((path) => /^(src|test)\/./.test(path))).toEqual(existing.sort());
  for (const path of drawn) expect(globSync(path, { cwd: ROOT }), path).not.toEqual([]);
});

test("docs/architecture.md has a paragraph for each room", () => {
  const rooms = globSync("src/*/", { cwd: ROOT }).map((path) => path.split("/")[1]);
  const missing = rooms.filter((room) => !DOCS.includes(`**\`${room}\`**`));
  expect(missing).toEqual([]);
});
