import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";

import { ADAPTERS, findKindQuestions } from "./kinds.ts";

const ROOT = join(import.meta.dirname, "../..");

test("only adapters and registries ask which kind something is", () => {
  expect(findKindQuestions(ROOT)).toEqual([]);
});

test("every adapter and registry on the list exists", () => {
  const gone = ADAPTERS.filter((adapter) => globSync(`${adapter}*`, { cwd: ROOT }).length === 0);
  expect(gone).toEqual([]);
});

const planted = mkdtempSync(join(tmpdir(), "kinds-"));
afterAll(() => rmSync(planted, { recursive: true }));

function questionsIn(file: string, text: string): string[] {
  mkdirSync(dirname(join(planted, file)), { recursive: true });
  writeFileSync(join(planted, file), `${text}\n`);
  const found = findKindQuestions(planted);
  rmSync(join(planted, file));
  return found;
}

const QUESTIONS = [
  ['if (store.kind === "r2") count += 1;', '(store.kind === "r2"'],
  ['const isInline = "inline" !== report.storage;', '"inline" !== report.storage;'],
  ['return source.kind == "d1" ? 1 : 2;', 'source.kind == "d1"'],
  ['  case "durable-object":', 'case "durable-object"'],
  ['const isScript = request.format !==\n  "sql";', 'request.format !== "sql"'],
  ["if (env.EXPORT_R2_BUCKET === undefined) return;", ".EXPORT_R2_BUCKET"],
  ["const { EXPORT_R2_BUCKET } = env;", "{ EXPORT_R2_BUCKET"],
  ["const {\n  EXPORT_R2_BUCKET: bucket,\n} = env;", "{ EXPORT_R2_BUCKET"],
  ['const isBound = "EXPORT_R2_BUCKET" in env;', '"EXPORT_R2_BUCKET'],
] as const;

test.each(QUESTIONS)("a planted question is found: %s", (text, question) => {
  for (const file of ["src/jobs/planted.ts", "cli/planted.ts", "action/planted.ts"]) {
    expect(questionsIn(file, text)).toEqual([
      `${file} asks for a kind, not for an ability: ${question}`,
    ]);
  }
});

test.each(QUESTIONS)("an adapter and a test may ask: %s", (text) => {
  for (const file of ["src/storage/r2/planted.ts", "src/jobs/planted.test.ts"]) {
    expect(questionsIn(file, text)).toEqual([]);
  }
});

test.each([
  'if (table.kind === "virtual") return [];',
  'return { hint: "Bind a bucket as EXPORT_R2_BUCKET." };',
  'const request = { format: "sql" };',
  'if (terminal.mode === "json") return;',
])("other text is not found: %s", (text) => {
  expect(questionsIn("src/jobs/planted.ts", text)).toEqual([]);
});
