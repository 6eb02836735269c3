import { expect, test } from "vitest";
import { checkCallbackTarget } from "../../../src/notify/callback-target.ts";
import { ExportError } from "../../../src/api/errors.ts";
import {
  ACCEPTED_TARGETS,
  LOOPBACK_TARGETS,
  REFUSED_TARGETS,
} from "../../support/callback-targets.ts";

function answerOf(url: string, localDevelopment: boolean): string {
  try {
    return checkCallbackTarget(url, { allowlist: undefined, localDevelopment });
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return String(error.details?.["rule"]);
  }
}

test("workerd's URL parser sees through every spelling of a refused callback target", () => {
  const refused = REFUSED_TARGETS.map(([rule, url]) => [rule, url]);
  expect(refused.map(([, url = ""]) => [answerOf(url, false), url])).toEqual(refused);
  expect(refused.map(([, url = ""]) => [answerOf(url, true), url])).toEqual(refused);
});

test("workerd's URL parser writes accepted callback targets as Node's does", () => {
  const accepted = ACCEPTED_TARGETS.map(([url, href]) => [url, href]);
  expect(accepted.map(([url = ""]) => [url, answerOf(url, false)])).toEqual(accepted);
});

test("in workerd, targets on this machine pass in local development alone", () => {
  const loopback = LOOPBACK_TARGETS.map(([rule, url, href]) => [url, rule, href]);
  const answers = loopback.map(([url = ""]) => [url, answerOf(url, false), answerOf(url, true)]);
  expect(answers).toEqual(loopback);
});
