import { relative } from "node:path";

/** Returns a path as the demo prints it: relative, if it is below the current folder. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
