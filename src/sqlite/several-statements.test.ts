import { expect, test } from "vitest";

import { hasSeveralStatements } from "./several-statements.ts";

test.each([
  "",
  ";",
  "SELECT 1",
  "SELECT 1;",
  " ; SELECT 1 ; -- the end; of it",
  "SELECT ';', \"a;b\", [c;d], `e;f` /* ; SELECT 2 */;;",
  "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE 1 WHEN 2 THEN 3 END; END",
  "CREATE TEMP TRIGGER IF NOT EXISTS t INSERT ON a BEGIN DELETE FROM b; END;",
  "explain query plan create trigger t insert on a begin select 1; end;",
])("takes %j for one statement", (sql) => {
  expect(hasSeveralStatements(sql)).toBe(false);
});

test.each([
  "SELECT 1; SELECT 2",
  "SELECT ';';\n\nSELECT 2;",
  "CREATE TABLE trigger_log(a); INSERT INTO trigger_log VALUES (1)",
  "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2",
  "SELECT trigger FROM a; SELECT 2",
])("takes %j for several statements", (sql) => {
  expect(hasSeveralStatements(sql)).toBe(true);
});
