import {
  createScanner,
  findNodeAtLocation,
  type Node,
  parse,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";

import { usageError } from "../cli-error.ts";

/** Longer lines are broken. */
const LINE_LENGTH_MAX = 100;

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * The text of a JSONC file to which values are added. All other characters stay, and each comment stays next to
 * what it describes, because a new value goes to the end of its list or object.
 */
export class JsoncFile {
  readonly #path: string;
  readonly #mark: string;
  #text: string;

  /** Throws a usage error with line and column if `text` is not an object of JSONC. `path` is for messages. */
  constructor(text: string, path: string) {
    this.#path = path;
    this.#mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : "";
    this.#text = text.slice(this.#mark.length);
    const errors: ParseError[] = [];
    const value: unknown = parse(this.#text, errors, { allowTrailingComma: true });
    const [error] = errors;
    if (error !== undefined) {
      const before = this.#text.slice(0, error.offset).split("\n");
      const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
      throw usageError(
        `${path} is not valid JSONC: ${printParseErrorCode(error.error)} at ${place}`,
        "Correct the file and run the command again. Nothing was changed.",
      );
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw usageError(`${path} is not a JSON object`);
    }
  }

  get text(): string {
    return this.#mark + this.#text;
  }

  get value(): Readonly<Record<string, unknown>> {
    return parse(this.#text, [], { allowTrailingComma: true }) as Record<string, unknown>;
  }

  /** Adds a property, and any missing objects that contain it. The property itself must be missing. */
  set(path: readonly string[], value: unknown): void {
    const parents = path.slice(0, -1);
    const key = path.at(-1) ?? "";
    const parent = this.#find(parents);
    if (parent === undefined) this.set(parents, { [key]: value });
    else this.#insert(this.#require(parent, "object", parents), value, key);
  }

  /** Adds a value to the end of a list, and creates the list if it is missing. */
  append(path: readonly string[], value: unknown): void {
    const list = this.#find(path);
    if (list === undefined) this.set(path, [value]);
    else this.#insert(this.#require(list, "array", path), value);
  }

  #find(path: readonly string[]): Node | undefined {
    const root = parseTree(this.#text, [], { allowTrailingComma: true });
    return root && findNodeAtLocation(root, [...path]);
  }

  #require(node: Node, type: "object" | "array", path: readonly string[]): Node {
    if (node.type === type) return node;
    throw usageError(`${this.#path}: ${path.join(".")} is not an ${type}`);
  }

  /** Adds a value to the end of `container`, with `key` if that is an object. */
  #insert(container: Node, value: unknown, key?: string): void {
    const text = this.#text;
    const close = container.offset + container.length - 1;
    const [first] = container.children ?? [];
    const last = container.children?.at(-1);
    const outer = indentAt(text, container.offset);
    const prefix = key === undefined ? "" : `${JSON.stringify(key)}: `;
    const inside = text.slice(container.offset + 1, close);
    const isClosedAlone = text.slice(lineStart(text, close), close).trim() === "";
    if (!isClosedAlone && !/\/[/*]/.test(inside)) {
      const old = parse(text.slice(container.offset, close + 1), [], { allowTrailingComma: true });
      const grown: unknown =
        key === undefined ? [...(old as unknown[]), value] : { ...(old as object), [key]: value };
      this.#splice(container.offset, container.length, this.#format(grown, outer, prefix.length));
      return;
    }
    const end = last === undefined ? container.offset + 1 : last.offset + last.length;
    const isFirstAlone = first !== undefined && isFirstOfLine(text, first.offset);
    const indent = isFirstAlone ? indentAt(text, first.offset) : `${outer}${this.#unit}`;
    const piece = `${prefix}${this.#format(value, indent, prefix.length)}`;
    const hasTrailingComma = last !== undefined && nextToken(text, end) === ",";
    const line = `${indent}${piece}${hasTrailingComma ? "," : ""}${this.#lineEnd}`;
    if (isClosedAlone) this.#splice(lineStart(text, close), 0, line);
    else this.#splice(close, 0, `${this.#lineEnd}${line}${outer}`);
    // Only now: the other edit has a later place.
    if (last !== undefined && !hasTrailingComma) this.#splice(end, 0, ",");
  }

  #splice(offset: number, length: number, text: string): void {
    this.#text = this.#text.slice(0, offset) + text + this.#text.slice(offset + length);
  }

  /** What one level of the file is indented by. */
  get #unit(): string {
    return /^([ \t]+)"/m.exec(this.#text)?.[1] ?? "  ";
  }

  get #lineEnd(): string {
    return this.#text.includes("\r\n") ? "\r\n" : "\n";
  }

  /**
   * Returns `value` as JSON on one line if that fits after `used` characters; otherwise breaks it into lines at
   * `indent`.
   */
  #format(value: unknown, indent: string, used: number): string {
    const line = formatLine(value);
    const isLeaf = typeof value !== "object" || value === null;
    if (isLeaf || indent.length + used + line.length < LINE_LENGTH_MAX) return line;
    const inner = `${indent}${this.#unit}`;
    const pieces = Array.isArray(value)
      ? value.map((each) => this.#format(each, inner, 1))
      : Object.entries(value).map(([key, each]) => {
          const prefix = `${JSON.stringify(key)}: `;
          return `${prefix}${this.#format(each, inner, prefix.length + 1)}`;
        });
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    const lines = pieces.map((piece) => `${inner}${piece}`).join(`,${this.#lineEnd}`);
    return `${open}${this.#lineEnd}${lines}${this.#lineEnd}${indent}${close}`;
  }
}

function formatLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pieces = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}: ${formatLine(each)}`,
  );
  return pieces.length === 0 ? "{}" : `{ ${pieces.join(", ")} }`;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? "";
}

function isFirstOfLine(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === "";
}

/** Returns the next token that is neither white space nor a comment. */
function nextToken(text: string, offset: number): string {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  return text.slice(scanner.getTokenOffset(), scanner.getTokenOffset() + scanner.getTokenLength());
}
