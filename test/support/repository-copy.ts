import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "..", "..");

/** A copy of the repository's own files, in which a test may change everything. */
export interface RepositoryCopy {
  folder: string;
  /** The paths that Git tracks, in alphabetical order. */
  files: string[];
  read: (path: string) => string;
  /**
   * Runs a program in the copy and returns its output. Throws with that output if the program
   * fails.
   */
  run: (program: string, ...words: string[]) => string;
  remove: () => void;
}

/**
 * Copies every file that Git tracks or would track, in its current state, into a separate Git
 * repository.
 */
export function copyRepository(): RepositoryCopy {
  const folder = mkdtempSync(join(tmpdir(), "repository-"));
  const run = (program: string, ...words: string[]): string =>
    execFileSync(program, words, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  const files = listRepositoryFiles();
  for (const path of files) cpSync(join(REPOSITORY, path), join(folder, path));
  run("git", "init", "--quiet");
  run("git", "add", "--all");
  symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  return {
    folder,
    files,
    run,
    read: (path) => readFileSync(join(folder, path), "utf8"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Returns the paths of all files that Git tracks or would track, in alphabetical order. */
export function listRepositoryFiles(): string[] {
  const words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", words, { cwd: REPOSITORY, encoding: "utf8" });
  const files = listed.split("\0").filter((path) => existsSync(join(REPOSITORY, path)));
  return files.filter((path) => path !== "").sort();
}
