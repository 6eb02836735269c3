import type * as v from "valibot";

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
    default:
      return issue.expected === null
        ? "is not allowed here"
        : `expected ${typesIn(issue.expected)}`;
  }
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
