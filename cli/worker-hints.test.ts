import { describe, expect, test } from "vitest";

import { ERRORS } from "../src/api/error-codes.ts";
import { findHint } from "./worker-hints.ts";

function problem(code: string, more: object = {}) {
  return { code, detail: "what happened", hint: "the Worker's hint", ...more };
}

describe("the hint for an error of the Worker", () => {
  test("names the option for each wrong field", () => {
    const issues = [{ path: "name" }, { path: "tables.include" }, { path: "tables.exclude" }];
    expect(findHint(problem("invalid-request", { issues }))).toBe(
      "Correct --object-name or --object-id, --table and --exclude.",
    );
  });

  test("lists the sources that exist", () => {
    expect(findHint(problem("source-not-found", { sources: ["main", "shop"] }))).toBe(
      "The sources are: main, shop. Choose one with --source.",
    );
  });

  test("names the running job's commands", () => {
    const hint = findHint(problem("export-already-running", { jobId: "j1" }));
    expect(hint).toContain("durable-export wait j1");
  });

  test("names the restore's options for its requests", () => {
    const restores = { path: "/import/dump" };
    expect(findHint(problem("source-not-found", { ...restores, sources: ["main"] }))).toBe(
      "The sources are: main. Choose one with --target.",
    );
    const issues = [{ path: "verify" }, { path: "undoOnFailure" }];
    expect(findHint(problem("invalid-request", { ...restores, issues }))).toBe(
      "Correct --verify, --undo-on-failure.",
    );
    const busy = problem("restore-already-running", { ...restores, jobId: "r1" });
    expect(findHint(busy)).toContain("durable-export wait r1");
  });

  test.each(["dump-not-restorable", "restore-differs"])(
    "means the export's dump for %s in answers about exports",
    (code) => {
      const ofRestore = findHint(problem(code, { path: "/import/dump" }));
      const ofExport = findHint(problem(code, { path: "/export/dump" }));
      expect(ofExport).toMatch(/--verify restore|this dump/);
      expect(ofExport).not.toBe(ofRestore);
    },
  );

  test("says what to correct if SQLite refused a proof's statement", () => {
    const detail =
      'the dump cannot be restored: statement 7 (table "pet"): CHECK constraint failed';
    const hint = findHint({ ...problem("restore-differs", { path: "/export/dump" }), detail });
    expect(hint).toBe(
      "Correct the row or the statement that the message names, or leave out its table with --exclude.",
    );
  });

  test("is the Worker's own for a code that the command line does not know", () => {
    expect(findHint(problem("of-the-future"))).toBe("the Worker's hint");
  });

  test.each([
    "job-not-found",
    "artifact-not-found",
    "export-not-finished",
    "export-expired",
    "target-not-writable",
    "target-not-empty",
    "dump-not-restorable",
    "dump-sealed",
    "script-changed",
    "statement-failed",
    "restore-differs",
    "restore-interrupted",
    "file-not-found",
    "file-not-complete",
    "file-differs",
    "part-invalid",
    "proof-too-large",
    "mask-invalid",
  ])("speaks of commands, not of HTTP, for %s", (code) => {
    const hint = findHint({ ...problem(code), hint: ERRORS[code as keyof typeof ERRORS].hint });
    expect(hint).not.toMatch(/GET |POST |DELETE |`[a-z]+[A-Z]\w*`|job view/);
  });
});
