import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { FORMAT_NAMES } from "../../src/api/formats.ts";
import { SourceTypeSchema } from "../../src/api/source-config.ts";
import { SourceListSchema } from "../../src/api/source-list.ts";

/** The names of kinds that only their adapters and registries may ask for: everybody else asks for an ability. */
const KINDS: readonly string[] = [
  ...SourceTypeSchema.options,
  ...SourceListSchema.entries.storage.options,
  ...FORMAT_NAMES,
];

/** Bindings that select an adapter. */
const BINDINGS = ["EXPORT_R2_BUCKET"];

/** The adapters and registries, as beginnings of paths. */
export const ADAPTERS = [
  // Stores.
  "src/config/bindings.ts",
  "src/storage/open-artifact-store.ts",
  "src/storage/inline/",
  "src/storage/r2/",
  "src/api/destination-config.ts",
  // What `init` binds.
  "cli/init/needed-bindings.ts",
  // Databases.
  "src/api/source-config.ts",
  "src/databases/d1/",
  "src/databases/durable-object/",
  "src/databases/source-kinds.ts",
  // Formats.
  "src/api/formats.ts",
  "src/formats/csv/",
  "src/formats/dump-format.ts",
  "src/formats/json/",
  "src/formats/sql/",
];

/** Returns a sentence for each place, outside adapters and registries, that asks for a kind. */
export function findKindQuestions(root: string): string[] {
  return globSync("{src,cli,action}/**/*.ts", { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !/\.test(-d)?\.ts$/.test(file))
    .filter((file) => !ADAPTERS.some((adapter) => file.startsWith(adapter)))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(QUESTION)]
        .map(([question]) => question.trim().replaceAll(/\s+/g, " "))
        .filter((question) => !OF_OUTPUT.test(question))
        .map((question) => `${file} asks for a kind, not for an ability: ${question}`),
    );
}

/** The command line's `mode` is how it prints, and one of its modes has the name of a format. */
const OF_OUTPUT = /\bmode [=!]==/;

const KIND = `"(?:${KINDS.join("|")})"`;
const COMPARISON = `\\S+\\s+[=!]==?\\s+${KIND}|\\bcase\\s+${KIND}|${KIND}\\s+[=!]==?\\s+\\S+`;
/** A property, a name that is destructured or a string, but not a word of a message. */
const BINDING = `(?:[.{,]\\s*|^\\s*|")(?:${BINDINGS.join("|")})\\b`;
const QUESTION = new RegExp(`${COMPARISON}|${BINDING}`, "gm");
