import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { statementBatches } from "./statement-splitter.ts";

const STATEMENTS = [
  'CREATE TABLE t (a, [b;], "c;", `d;`);',
  "INSERT INTO t VALUES ('it''s; -- no comment', 1 - -1, 3/2, X'00');",
  "-- a comment; with 'a quote\nSELECT 1;",
  '/* another; " one */ SELECT 2;',
  "CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM t; END;",
  "create /* x */ temporary trigger tr2 after insert on t begin select ';end;'; end ;",
  "CREATE TABLE ending (end_, trigger_ TEXT DEFAULT ';');",
  "INSERT INTO t VALUES ('ü€𝄞', 'CREATE TRIGGER');",
];

async function batchesOf(text: string, sizes: number[], batchBytes = 1): Promise<string[]> {
  async function* chunks() {
    const bytes = Buffer.from(text);
    for (let at = 0, n = 0; at < bytes.length; n += 1) {
      const size = sizes[n % sizes.length] ?? 1;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  }
  const batches: string[] = [];
  for await (const batch of statementBatches(chunks(), batchBytes)) batches.push(batch.toString());
  return batches;
}

describe("statementBatches", () => {
  test("cuts after each statement, whatever quotes, comments and triggers hold", async () => {
    for (const statement of STATEMENTS) {
      const batches = await batchesOf(`${statement}SELECT 'next';`, [Buffer.byteLength(statement)]);
      expect(batches).toEqual([statement, "SELECT 'next';"]);
    }
  });

  test("ends a batch at the first statement that makes it long enough", async () => {
    const text = STATEMENTS.join("");
    expect(await batchesOf(text, [Buffer.byteLength(text)])).toEqual(STATEMENTS);
  });

  test("gives whole statements and all of the text for any sequence of chunk sizes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...STATEMENTS), { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 300 }),
        async (statements, sizes, batchBytes) => {
          const text = statements.join("\n");
          const batches = await batchesOf(text, sizes, batchBytes);
          expect(batches.join("")).toBe(text);
          const rests = statements.map((_, index) => statements.slice(index + 1).join("\n"));
          let rest = text;
          for (const batch of batches) {
            rest = rest.slice(batch.length);
            expect(rests).toContain(rest.replace(/^\n/, ""));
          }
        },
      ),
    );
  });

  test("refuses a text that ends within a statement", async () => {
    for (const text of ["SELECT 1", "SELECT 'a;", "CREATE TRIGGER x BEGIN SELECT 1;", "/* a"]) {
      await expect(batchesOf(`SELECT 0;${text}`, [4])).rejects.toThrow(/ends within a statement/);
    }
  });

  test("takes white space and comments behind the last statement", async () => {
    expect(await batchesOf("SELECT 1;\n-- done", [3], 100)).toEqual(["SELECT 1;\n-- done"]);
  });
});
