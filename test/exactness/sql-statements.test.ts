import { expect, test } from "vitest";
import { splitStatements } from "../support/sql-statements.ts";

test.each([
  ["nothing", " -- a;\n /* ; */ ", []],
  ["a last statement without semicolon", "SELECT 1; SELECT 2", ["SELECT 1", " SELECT 2"]],
  ["empty statements", ";; SELECT 1;;", [" SELECT 1"]],
  [
    "semicolons in strings, names and comments",
    `SELECT ';''', ";""", [;], \`;\`, 1 -- ;\n/* ; */;SELECT 2;`,
    [`SELECT ';''', ";""", [;], \`;\`, 1 -- ;\n/* ; */`, "SELECT 2"],
  ],
  [
    "triggers, whose END follows a semicolon",
    "create temp trigger t after insert on a begin select case when 1 then 2 end; -- ; end;\n select 'end;'; end;SELECT 1;",
    [
      "create temp trigger t after insert on a begin select case when 1 then 2 end; -- ; end;\n select 'end;'; end",
      "SELECT 1",
    ],
  ],
  [
    "a table named trigger",
    'CREATE TABLE "trigger"(a);SELECT 1',
    ['CREATE TABLE "trigger"(a)', "SELECT 1"],
  ],
])("splits %s", (_, script, statements) => {
  expect(splitStatements(script)).toEqual(statements);
});
