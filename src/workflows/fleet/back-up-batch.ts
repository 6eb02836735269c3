import type { ErrorCode } from "../../api/error-codes.ts";
import { ExportError } from "../../api/errors.ts";
import { MIB } from "../../api/limits.ts";
import type { Source } from "../../databases/source.ts";
import { CHUNK_MS_MAX } from "../export/chunk-end.ts";
import { PackWriter, type PackPlace, type WrittenPack } from "../../storage/packs/pack-writer.ts";
import { dumpMember, type MemberDump, type MemberRequest } from "./dump-member.ts";

/** A batch ends once its pack has so many bytes. */
const PACK_BYTES = 64 * MIB;

/** A batch ends after so many members: its index is read whole to find one of them. */
const BATCH_MEMBERS_MAX = 1_000;

/** How many databases are read at once. Each may have some MiB in memory. */
const MEMBERS_AT_ONCE = 6;

/** How often a database that is unavailable is read, and how long the first wait is. It doubles each time. */
const ATTEMPTS_MAX = 3;
const RETRY_MS = 500;

/** How often a batch that waits for a database reports that it works; `beat` itself may report less often. */
const BEAT_MS = 1_000;

/** How many warnings of one batch are kept. */
const WARNINGS_MAX = 20;

/** Some members of a fleet, to be backed up by one step. */
export interface Batch {
  /** All members of the fleet, sorted; the batch starts with number `from`. */
  members: readonly string[];
  from: number;
  request: MemberRequest;
  /** How many bytes of values may be read in one turn. */
  oneTurnBytes: number;
  /** Opens a member's database. */
  openMember: (member: string) => Source;
  place: PackPlace;
  /** Reports that the run works. Errors: `run-superseded`, which ends the batch. */
  beat: () => Promise<void>;
  /** Limits that tests lower. */
  limits?: { packBytes?: number; members?: number; ms?: number; retryMs?: number };
}

/** A member that could not be backed up. */
export interface MemberFailure {
  member: string;
  code: ErrorCode;
  message: string;
}

/** What became of each member from `from` up to `next`. */
export interface BackedUpBatch {
  /** The number of the first member after the batch. */
  next: number;
  /** Null if the batch has nothing to pack: then nothing is stored. */
  pack: WrittenPack | null;
  /** How many members have no tables. */
  empty: number;
  /** Members that do not fit into one turn: each needs an export job. */
  large: string[];
  failures: MemberFailure[];
  /** The first warnings, each with its member. */
  warnings: string[];
  rows: number;
  rowsRead: number;
}

/**
 * Backs up members in order until the pack is full or a minute has passed, at least one. A member that fails costs only
 * itself. Each attempt needs its own key: nothing of a failed attempt is used. Errors: those of the store and of `beat`.
 */
export async function backUpBatch(batch: Batch): Promise<BackedUpBatch> {
  const { members, from, place, beat, limits = {} } = batch;
  const { packBytes = PACK_BYTES, members: membersMax = BATCH_MEMBERS_MAX } = limits;
  const endMs = Date.now() + (limits.ms ?? CHUNK_MS_MAX);
  const writer = new PackWriter(place);
  const done: BackedUpBatch = {
    next: from,
    pack: null,
    empty: 0,
    large: [],
    failures: [],
    warnings: [],
    rows: 0,
    rowsRead: 0,
  };
  /** Members that are being read, in order. */
  const reading: { member: string; dump: Promise<MemberDump | MemberFailure> }[] = [];
  const isFull = (): boolean =>
    writer.bytes >= packBytes || done.next - from + reading.length >= membersMax;
  const startMore = (): void => {
    while (reading.length < MEMBERS_AT_ONCE && !isFull()) {
      const member = members[done.next + reading.length];
      const isLate = Date.now() >= endMs && done.next + reading.length > from;
      if (member === undefined || isLate) return;
      reading.push({ member, dump: dumpPatiently(batch, member) });
    }
  };
  for (startMore(); reading.length > 0; startMore()) {
    const [first] = reading;
    if (first === undefined) break;
    await record(done, writer, first.member, await beatDuring(first.dump, beat));
    reading.shift();
    done.next += 1;
    await beat();
  }
  if (writer.memberCount > 0) done.pack = await writer.finish(beat);
  return done;
}

/** A slow database must not make its run look silent: each of its calls ends, by its answer or by its timeout. */
async function beatDuring<T>(work: Promise<T>, beat: () => Promise<void>): Promise<T> {
  const late = Symbol("late");
  for (;;) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const beatTime = new Promise<typeof late>((resolve) => {
      timer = setTimeout(resolve, BEAT_MS, late);
    });
    const first = await Promise.race([work, beatTime]);
    clearTimeout(timer);
    if (first !== late) return first;
    await beat();
  }
}

async function record(
  done: BackedUpBatch,
  writer: PackWriter,
  member: string,
  dump: MemberDump | MemberFailure,
): Promise<void> {
  if ("code" in dump) {
    done.failures.push(dump);
    return;
  }
  done.rowsRead += dump.rowsRead;
  if (dump.kind === "empty") done.empty += 1;
  if (dump.kind === "large") done.large.push(member);
  if (dump.kind !== "small") return;
  const { file, rows, atMs, warnings } = dump;
  await writer.add({ member, file, rows, snapshotAt: new Date(atMs).toISOString() });
  done.rows += rows;
  for (const warning of warnings) {
    if (done.warnings.length === WARNINGS_MAX) break;
    done.warnings.push(`${JSON.stringify(member)}: ${warning}`);
  }
}

/** Never rejects: every failure is the member's own. */
async function dumpPatiently(batch: Batch, member: string): Promise<MemberDump | MemberFailure> {
  const { request, oneTurnBytes, openMember, limits = {} } = batch;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await dumpMember(openMember(member), request, oneTurnBytes);
    } catch (error) {
      const code = error instanceof ExportError ? error.code : "internal-error";
      if (code === "source-unavailable" && attempt < ATTEMPTS_MAX) {
        await wait((limits.retryMs ?? RETRY_MS) * 2 ** (attempt - 1));
        continue;
      }
      const message = error instanceof Error ? error.message : String(error);
      return { member, code, message };
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
