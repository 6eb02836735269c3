import { expect, test } from "vitest";

import { RESTORE_MARK } from "../sqlite/own-objects.ts";
import { addColumnText, makeStageSql } from "./stage-sql.ts";

test("a staging table has neither foreign keys nor CHECKs, and everything else", () => {
  const sql = `CREATE TABLE main."a (b"(id INTEGER PRIMARY KEY, -- )
    p INT NOT NULL DEFAULT (1 + 1) REFERENCES x(y) ON DELETE SET NULL ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED UNIQUE,
    q TEXT CHECK (q <> 'REFERENCES') COLLATE NOCASE REFERENCES z MATCH FULL NOT DEFERRABLE, g AS (p || ')'),
    CONSTRAINT k FOREIGN KEY (p, q) REFERENCES x ON DELETE CASCADE, CHECK (p > 0), UNIQUE (p, q)) STRICT, WITHOUT ROWID;`;
  const [, body = "", options] =
    /^CREATE TABLE s\(([^]*)\n\/\*.*\*\/\)(.*)$/.exec(makeStageSql(sql, "s")) ?? [];
  expect(body.split(",\n").map((part) => part.trim())).toEqual([
    "id INTEGER PRIMARY KEY",
    "p INT NOT NULL DEFAULT (1 + 1) UNIQUE",
    "q TEXT COLLATE NOCASE",
    "g AS (p || ')')",
    "CONSTRAINT k",
    "UNIQUE (p, q)",
  ]);
  expect(options).toBe(" STRICT, WITHOUT ROWID");
  expect(makeStageSql("CREATE TABLE t(a)", "s")).toBe(`CREATE TABLE s(a\n${RESTORE_MARK})`);
});

test("an added column stands after the last column, before the table's constraints", () => {
  expect(addColumnText("CREATE TABLE t(a, b -- x\n)", "c").replaceAll(/\s+/g, " ")).toBe(
    "CREATE TABLE t(a, b -- x , c )",
  );
  expect(addColumnText("CREATE TABLE t(a, CHECK (a > 0))", "c").replaceAll(/\s+/g, " ")).toBe(
    "CREATE TABLE t(a, c , CHECK (a > 0))",
  );
});
