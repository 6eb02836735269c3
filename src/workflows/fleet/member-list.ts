import { ExportError } from "../../api/errors.ts";
import { FLEET_MEMBERS_MAX, FLEET_NAMES_BYTES_MAX } from "../../api/fleet-names.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import { compareUtf8 } from "../../lib/compare-utf8.ts";

/** The longest name that an object may have, in UTF-16 units, as in a request. */
const NAME_LENGTH_MAX = 1_000;

/** How much of a name an error shows. */
const SHOWN_LENGTH = 100;

/** The objects of a fleet, sorted by the UTF-8 bytes of their names or ids, each once. */
export interface MemberList {
  namedBy: "name" | "id";
  members: string[];
  /** How many names the registry listed again. */
  duplicates: number;
}

/** Collects what a registry lists. Every error names the registry and what is wrong in it. */
export class MemberCollector {
  readonly #registry: string;
  readonly #members = new Set<string>();
  #duplicates = 0;
  #bytes = 0;

  /** @param registry How messages name the registry, as in `the query in source "main"`. */
  constructor(registry: string) {
    this.#registry = registry;
  }

  /**
   * Adds a name. `place` says where the registry has it, as in `line 12`. Errors: `fleet-names-invalid` if no object can
   * have the name, or the registry lists more objects, or longer names in total, than a fleet may have.
   */
  add(name: string, place: string): void {
    const wrong = findFault(name);
    if (wrong !== undefined) throw this.refuse(`${place} ${wrong}`);
    if (this.#members.has(name)) {
      this.#duplicates += 1;
      return;
    }
    if (this.#members.size === FLEET_MEMBERS_MAX) {
      throw this.refuse(`it lists more than ${FLEET_MEMBERS_MAX} objects`);
    }
    this.#bytes += encodeUtf8(name).byteLength;
    if (this.#bytes > FLEET_NAMES_BYTES_MAX) {
      throw this.refuse(`its names have more than ${FLEET_NAMES_BYTES_MAX} bytes in total`);
    }
    this.#members.add(name);
  }

  /** Returns the error for a registry that cannot be used. */
  refuse(message: string, cause?: unknown): ExportError {
    return new ExportError("fleet-names-invalid", `${this.#registry}: ${message}`, { cause });
  }

  /** Errors: `fleet-names-invalid` if the registry lists no object. */
  finish(namedBy: MemberList["namedBy"]): MemberList {
    if (this.#members.size === 0) throw this.refuse("it lists no object");
    const members = [...this.#members].sort(compareUtf8);
    return { namedBy, members, duplicates: this.#duplicates };
  }
}

function findFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.length > NAME_LENGTH_MAX) {
    return `has ${name.length} characters, and a name has at most ${NAME_LENGTH_MAX}: ${show(name)}`;
  }
  // Two names with different lone surrogates would be the same name once they are written as UTF-8.
  return name.isWellFormed() ? undefined : `is not valid Unicode: ${show(name)}`;
}

function show(name: string): string {
  const start = name.slice(0, SHOWN_LENGTH).toWellFormed();
  return JSON.stringify(name.length > SHOWN_LENGTH ? `${start}…` : start);
}
