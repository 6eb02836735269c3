import { concatBytes, decodeUtf8, encodeUtf8 } from "../../lib/bytes.ts";

/**
 * The bytes of a value in a Durable Object's key-value storage: a version byte, the length of a
 * JSON text (four bytes, big-endian), that text, then the bytes of all ArrayBuffers. The text is a
 * list of nodes. Node 0 is the value, and nodes refer to one another by number, so that cycles and
 * shared objects survive. (`v8.serialize` of `node:v8` does not run in workerd, November 2026.)
 */
const VERSION = 1;
const HEADER_BYTES = 5;

/** A primitive as JSON writes it, or a type's name and the data that the type needs. */
type Node = null | boolean | number | string | [type: string, ...rest: unknown[]];

/** A value's own properties: name, then number of the node. */
type Properties = [key: string, node: number][];

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

const VIEWS = {
  BigInt64Array,
  BigUint64Array,
  DataView,
  Float32Array,
  Float64Array,
  Int16Array,
  Int32Array,
  Int8Array,
  Uint16Array,
  Uint32Array,
  Uint8Array,
  Uint8ClampedArray,
};

/**
 * Returns bytes from which `decodeValue` makes an equal value. Throws TypeError for types it does
 * not know, such as Blob.
 */
export function encodeValue(value: unknown): Uint8Array {
  const nodes: Node[] = [];
  const buffers: Uint8Array[] = [];
  const numbers = new Map<object, number>();
  const pending: { value: unknown; number: number }[] = [];
  let bufferBytes = 0;
  const numberOf = (each: unknown): number => {
    const known = isObject(each) ? numbers.get(each) : undefined;
    if (known !== undefined) return known;
    const number = nodes.push(null) - 1;
    if (isObject(each)) numbers.set(each, number);
    pending.push({ value: each, number });
    return number;
  };
  const addBuffer = (buffer: ArrayBuffer): [number, number] => {
    const start = bufferBytes;
    buffers.push(new Uint8Array(buffer));
    bufferBytes += buffer.byteLength;
    return [start, buffer.byteLength];
  };
  numberOf(value);
  // A list instead of recursion: values may be nested deeper than the stack.
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes[next.number] = isObject(next.value)
      ? objectNode(next.value, { numberOf, addBuffer })
      : primitiveNode(next.value);
  }
  const json = encodeUtf8(JSON.stringify(nodes));
  const header = new Uint8Array(HEADER_BYTES);
  header[0] = VERSION;
  new DataView(header.buffer).setUint32(1, json.byteLength);
  return concatBytes([header, json, ...buffers]);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function primitiveNode(value: unknown): Node {
  switch (typeof value) {
    case "undefined":
      return ["undefined"];
    case "bigint":
      return ["bigint", String(value)];
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : ["number", Object.is(value, -0) ? "-0" : String(value)];
    case "boolean":
    case "string":
      return value;
    default:
      if (value === null) return null;
      throw new TypeError(`a ${typeof value} cannot be exported`);
  }
}

function objectNode(
  value: object,
  {
    numberOf,
    addBuffer,
  }: {
    numberOf: (each: unknown) => number;
    addBuffer: (buffer: ArrayBuffer) => [number, number];
  },
): Node {
  const properties = (names: string[]): Properties =>
    names.map((name) => [name, numberOf((value as Record<string, unknown>)[name])]);
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (Array.isArray(value)) return ["Array", value.length, properties(Object.keys(value))];
  if (value instanceof Map) {
    return ["Map", [...value].map(([key, each]) => [numberOf(key), numberOf(each)])];
  }
  if (value instanceof Set) return ["Set", [...value].map(numberOf)];
  if (value instanceof Date) return ["Date", numberOf(value.getTime())];
  if (value instanceof RegExp) return ["RegExp", value.source, value.flags];
  if (value instanceof ArrayBuffer) return ["ArrayBuffer", ...addBuffer(value)];
  if (ArrayBuffer.isView(value) && tag in VIEWS) {
    const length = value instanceof DataView ? value.byteLength : (value as Uint8Array).length;
    return ["View", tag, numberOf(value.buffer), value.byteOffset, length];
  }
  if (value instanceof Error && tag === "Error") {
    const type = value.name in ERRORS ? value.name : "Error";
    return ["Error", type, properties(Object.getOwnPropertyNames(value)), Object.keys(value)];
  }
  if (["Boolean", "Number", "String", "BigInt"].includes(tag)) {
    return ["Object of", numberOf((value as { valueOf(): unknown }).valueOf())];
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return ["Object", properties(Object.keys(value))];
  }
  throw new TypeError(`an object of type ${value.constructor.name} cannot be exported`);
}

/** Returns the value of `encodeValue`'s bytes. Throws RangeError for bytes of a later version. */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes[0] !== VERSION) {
    throw new RangeError(`only later versions can read values of encoding ${bytes[0]}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = HEADER_BYTES + view.getUint32(1);
  const nodes = JSON.parse(decodeUtf8(bytes.subarray(HEADER_BYTES, start))) as Node[];
  const values: unknown[] = [];
  // Values that other values depend on are made first: a view needs its buffer, and a boxed value
  // needs its content.
  const isLate = (node: Node): boolean =>
    Array.isArray(node) && ["View", "Object of", "Date"].includes(node[0]);
  for (const [at, node] of nodes.entries()) {
    if (!isLate(node)) values[at] = emptyValue(node, bytes.subarray(start));
  }
  for (const [at, node] of nodes.entries()) {
    if (isLate(node)) values[at] = lateValue(node as [string, ...unknown[]], values);
  }
  for (const [at, node] of nodes.entries()) {
    if (Array.isArray(node)) fill(values[at], node, values);
  }
  return values[0];
}

function emptyValue(node: Node, buffers: Uint8Array): unknown {
  if (!Array.isArray(node)) return node;
  const [type, ...rest] = node;
  switch (type) {
    case "undefined":
      return undefined;
    case "bigint":
      return BigInt(rest[0] as string);
    case "number":
      return Number(rest[0]);
    case "Array":
      return Array.from({ length: 0 });
    case "Object":
      return {};
    case "Map":
      return new Map();
    case "Set":
      return new Set();
    case "RegExp":
      return new RegExp(rest[0] as string, rest[1] as string);
    case "ArrayBuffer": {
      const [start, length] = rest as [number, number];
      return buffers.slice(start, start + length).buffer;
    }
    case "Error": {
      const error = new ERRORS[rest[0] as keyof typeof ERRORS]();
      delete error.stack;
      return error;
    }
    default:
      throw new RangeError(`only later versions can read values of type ${type}`);
  }
}

function lateValue([type, ...rest]: [string, ...unknown[]], values: unknown[]): unknown {
  if (type === "View") {
    const [name, buffer, offset, length] = rest as [keyof typeof VIEWS, number, number, number];
    const View = VIEWS[name] as typeof Uint8Array;
    return new View(values[buffer] as ArrayBuffer, offset, length);
  }
  const inner = values[rest[0] as number];
  return type === "Date" ? new Date(inner as number) : Object(inner);
}

/** Adds to a value the values that it refers to. */
function fill(value: unknown, [type, ...rest]: [string, ...unknown[]], values: unknown[]): void {
  const define = (properties: Properties, isHidden: (name: string) => boolean): void => {
    // An ordinary assignment would treat `__proto__` as the prototype.
    for (const [name, node] of properties) {
      const shown = { enumerable: !isHidden(name), configurable: true, writable: true };
      Object.defineProperty(value, name, { value: values[node], ...shown });
    }
  };
  if (type === "Map") {
    for (const [key, each] of rest[0] as [number, number][]) {
      (value as Map<unknown, unknown>).set(values[key], values[each]);
    }
  } else if (type === "Set") {
    for (const each of rest[0] as number[]) (value as Set<unknown>).add(values[each]);
  } else if (type === "Array") {
    (value as unknown[]).length = rest[0] as number;
    define(rest[1] as Properties, () => false);
  } else if (type === "Object") {
    define(rest[0] as Properties, () => false);
  } else if (type === "Error") {
    const shown = new Set(rest[2] as string[]);
    define(rest[1] as Properties, (name) => !shown.has(name));
  }
}
