import { lowerAscii } from "../lib/ascii-case.ts";
import type { TokenReader } from "../sqlite/token-reader.ts";
import { type NamePlace, readList } from "./read-name.ts";

/** A foreign key, as a table's text declares it. */
export interface ForeignKey {
  /** In lower case. */
  parent: string;
  /** In lower case; undefined for the parent's PRIMARY KEY. */
  columns: string[] | undefined;
  /** True if a change to the parent's rows changes the rows that refer to them. */
  hasAction: boolean;
}

/** A CREATE TABLE or CREATE VIRTUAL TABLE. */
export interface CreateTable {
  kind: "create-table";
  name: string;
  place: NamePlace;
  foreignKeys: ForeignKey[];
  isVirtual: boolean;
  /** True for IF NOT EXISTS. */
  isConditional: boolean;
  hasAutoincrement: boolean;
}

/** Classifies a CREATE TABLE whose name and the token after it have been read. */
export function classifyTable(
  tokens: TokenReader,
  table: Pick<CreateTable, "name" | "place" | "isVirtual" | "isConditional">,
): CreateTable {
  if (table.isVirtual) {
    return { kind: "create-table", ...table, foreignKeys: [], hasAutoincrement: false };
  }
  const found = { hasAutoincrement: false };
  const foreignKeys = listForeignKeys(tokens, found);
  return { kind: "create-table", ...table, foreignKeys, ...found };
}

/**
 * Reads the rest of a statement and returns its foreign keys. Outside quotes, the reserved words REFERENCES and
 * AUTOINCREMENT have only one meaning.
 */
export function listForeignKeys(
  tokens: TokenReader,
  found = { hasAutoincrement: false },
): ForeignKey[] {
  const foreignKeys: ForeignKey[] = [];
  let token = tokens.next();
  while (token !== undefined) {
    const word = tokens.word(token);
    if (word === "AUTOINCREMENT") found.hasAutoincrement = true;
    token = tokens.next();
    const last = foreignKeys.at(-1);
    // ON DELETE CASCADE, ON DELETE SET NULL. The ON CONFLICT of another clause contains none of these words.
    if ((word === "CASCADE" || word === "SET") && last !== undefined) last.hasAction = true;
    if (word !== "REFERENCES") continue;
    const parent = lowerAscii(tokens.name(token));
    token = tokens.next();
    const hasColumns = tokens.is(token, "(");
    const columns = hasColumns ? readList(tokens, token).map(lowerAscii) : undefined;
    if (hasColumns) token = tokens.next();
    foreignKeys.push({ parent, columns, hasAction: false });
  }
  return foreignKeys;
}
