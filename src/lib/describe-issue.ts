import * as v from "valibot";

/**
 * Returns what is wrong with a value, in plain words. Valibot's own messages are written for
 * programmers and quote the value, which may be a secret. A custom message of the schema is kept.
 */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message.slice(0, 300);
  if (issue.expected === "never") return "unknown field";
  if (issue.received === "undefined") return "is missing";
  const atLeast = `expected at least ${String(issue.requirement)}`;
  const atMost = `expected at most ${String(issue.requirement)}`;
  switch (issue.type) {
    case "min_value":
      return atLeast;
    case "max_value":
      return atMost;
    case "min_length":
      return atLeast + findUnit(issue.input);
    case "max_length":
      return atMost + findUnit(issue.input);
    case "integer":
      return "expected a whole number";
    case "uuid":
      return "expected a UUID";
    case "url":
      return "expected a URL";
    case "regex":
      return `expected a value that matches ${String(issue.requirement)}`;
    case "union":
      return describeChoice(issue) ?? `expected ${typesIn(issue.expected ?? "")}`;
    default:
      return issue.expected === null
        ? "is not allowed here"
        : `expected ${typesIn(issue.expected)}`;
  }
}

/**
 * Returns what is wrong with an object that fits none of several schemas: the first field that is there and is
 * wrong in one of them, or else the fields of which one is required; undefined for other values.
 */
function describeChoice(issue: v.BaseIssue<unknown>): string | undefined {
  const { input } = issue;
  const issues: readonly v.BaseIssue<unknown>[] = issue.issues ?? [];
  if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
  const wrong = issues.find(({ expected, received }) => {
    return expected !== "never" && received !== "undefined";
  });
  if (wrong !== undefined) return `${v.getDotPath(wrong)}: ${describeIssue(wrong)}`;
  const missing = listFields(issues.filter(({ received }) => received === "undefined"));
  const others = listFields(issues.filter(({ expected }) => expected === "never"));
  if (missing.length > 1 && others.length < 2) {
    return `expected one of the fields ${missing.join(", ")}`;
  }
  return `expected only one of the fields ${others.join(", ")}`;
}

function listFields(issues: readonly v.BaseIssue<unknown>[]): string[] {
  return [...new Set(issues.map((issue) => v.getDotPath(issue) ?? ""))].toSorted();
}

function findUnit(input: unknown): string {
  return typeof input === "string" ? " characters" : " entries";
}

const TYPE_WORDS: Record<string, string> = {
  Object: "an object",
  Array: "a list",
  string: "a string",
  number: "a number",
  boolean: "true or false",
};

/** Valibot writes `("sql" | Array)`. */
function typesIn(expected: string): string {
  const terms = expected.replace(/^\((.*)\)$/s, "$1").split(" | ");
  return terms.map((term) => TYPE_WORDS[term] ?? term).join(" or ");
}
