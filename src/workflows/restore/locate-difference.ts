import { MIB } from "../../api/limits.ts";
import type { Source } from "../../databases/source.ts";
import { viewOf } from "../../lib/bytes.ts";
import { classifyStatement } from "../../loading/classify-statement.ts";
import { readScript } from "../../loading/read-script.ts";
import type { PlanDump } from "../../reading/planned-dump.ts";
import { readDump } from "../../reading/dump-reader.ts";
import { readCatalog } from "../../reading/read-catalog.ts";
import { openWholeReader } from "../../reading/whole-reader.ts";
import { CURSOR_START } from "../../rpc/cursor.ts";
import type { ScriptRecord } from "../../rpc/load-plan.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { parseIdentifier, tokenizeSql } from "../../sqlite/sql-tokens.ts";
import { StatementSplitter } from "../../sqlite/statement-splitter.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import type { OtherStatement } from "./difference.ts";

/** A longer text is not searched: both dumps are read from their start. */
const TEXT_BYTES_MAX = 256 * MIB;

/**
 * Finds the first statement in which a stored dump and the dump of what was restored from it differ. Returns null if
 * there is none, or the text is longer than 256 MiB. Errors: those of the source, the store and `beat`.
 */
export async function locateDifference(input: {
  source: Source;
  planDump: PlanDump;
  store: ArtifactStore;
  /** The dump; null if it is not known. */
  script: ScriptRecord | null;
  beat: () => Promise<void>;
}): Promise<OtherStatement | null> {
  const { source, store, script, beat } = input;
  if (script === null || script.textBytes > TEXT_BYTES_MAX) return null;
  const reader = openWholeReader(source);
  const { plan, createEncoder } = input.planDump(await readCatalog(source));
  const second = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
      // The splitter keeps a view of what it gets.
      for (const bytes of piece.bytes) yield bytes.slice();
      piece.release();
      await beat();
    }
  };
  const first = readScript((range) => store.read(script.key, range), script, { from: 0 });
  try {
    return await findOther(splitScript(first), splitScript(second()));
  } finally {
    await reader.close();
  }
}

async function findOther(
  expected: AsyncGenerator<Uint8Array>,
  actual: AsyncGenerator<Uint8Array>,
): Promise<OtherStatement | null> {
  for (;;) {
    const [one, other] = [await expected.next(), await actual.next()];
    if (one.done === true && other.done === true) return null;
    const wanted = one.done === true ? undefined : one.value;
    const found = other.done === true ? undefined : other.value;
    if (wanted !== undefined && found !== undefined && viewOf(wanted).equals(found)) continue;
    return describe(wanted, found);
  }
}

async function* splitScript(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const splitter = new StatementSplitter();
  for await (const chunk of chunks) {
    for (const { bytes, start } of splitter.push(chunk)) yield bytes.subarray(start);
  }
}

/** Describes a statement of the dump, and the one that stands in its place. */
function describe(wanted: Uint8Array | undefined, found: Uint8Array | undefined): OtherStatement {
  const expected = wanted && nameStatement(wanted);
  const actual = found && nameStatement(found);
  const table = expected?.table ?? actual?.table ?? null;
  if (table !== null) return { table, message: `rows of ${q(table)}` };
  if (expected === undefined) {
    return { table, message: `the database also has ${actual?.name ?? "more"}` };
  }
  if (expected.name === actual?.name) return { table, message: `${expected.name} differs` };
  const instead = actual === undefined ? "" : `, and ${actual.name} stands in its place`;
  return { table, message: `${expected.name} is missing${instead}` };
}

/** Bytes of a statement that its name can be in. */
const HEAD_BYTES = 4_096;

function nameStatement(statement: Uint8Array): { table: string | null; name: string } {
  const found = classifyStatement(statement);
  if (found.kind === "insert") return { table: found.table, name: `rows of ${q(found.table)}` };
  if (found.kind === "sequence") {
    return { table: null, name: "a counter of AUTOINCREMENT in sqlite_sequence" };
  }
  if (found.kind === "key-values")
    return { table: null, name: "an entry of the key-value storage" };
  return { table: null, name: nameObject(statement) };
}

/** The kind and name of what a CREATE statement makes; the first word of another statement. */
function nameObject(statement: Uint8Array): string {
  const head = viewOf(statement).toString("utf8", 0, HEAD_BYTES);
  let kind = "";
  for (const token of tokenizeSql(head)) {
    const word = token.kind === "word" ? token.text.toUpperCase() : "";
    if (kind === "" && word !== "CREATE") return `a statement ${token.text}`;
    if (/^(?:CREATE|UNIQUE|VIRTUAL|IF|NOT|EXISTS)$/.test(word)) {
      kind ||= "object";
    } else if (/^(?:TABLE|INDEX|TRIGGER|VIEW)$/.test(word) && kind === "object") {
      kind = word.toLowerCase();
    } else {
      return `the ${kind} ${q(parseIdentifier(token))}`;
    }
  }
  return "a statement";
}
