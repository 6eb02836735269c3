import { SERIES_KEPT_MAX } from "../src/api/limits.ts";
import { RETENTION_RULES, type RetentionPolicy } from "../src/api/retention-policy.ts";
import { usageError } from "./cli-error.ts";
import { parseCount } from "./context.ts";

/** What people type for each rule, such as `daily` for `keepDaily`. */
const WORDS = new Map(
  RETENTION_RULES.map((rule) => [rule.slice("keep".length).toLowerCase(), rule]),
);

/**
 * Returns the policy that rules such as `daily=7,monthly=12` name. `option` names where they come
 * from, such as `--keep`. Throws a usage error for a rule that is unknown, repeated or no count.
 */
export function parseKeepRules(text: string, option: string): RetentionPolicy {
  const policy: RetentionPolicy = {};
  for (const part of text.split(/[\s,]+/).filter((each) => each !== "")) {
    const [word = "", count = "", ...rest] = part.split("=");
    const rule = WORDS.get(word);
    if (rule === undefined || rest.length > 0) {
      throw usageError(
        `${option} contains ${JSON.stringify(part)}, which is not a rule`,
        `Separate rules by commas, such as last=3,daily=7: ${[...WORDS.keys()].join(", ")}.`,
      );
    }
    if (policy[rule] !== undefined) throw usageError(`${option} contains ${word} twice`);
    policy[rule] = parseCount(count, `${word} in ${option}`, 1, SERIES_KEPT_MAX);
  }
  if (Object.keys(policy).length === 0) throw usageError(`${option} contains no rule`);
  return policy;
}
