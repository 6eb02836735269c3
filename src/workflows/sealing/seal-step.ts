import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import { ExportError } from "../../api/errors.ts";
import { MIB } from "../../api/limits.ts";
import { fromBase64, toBase64 } from "../../lib/bytes.ts";
import { makeTurnYielder } from "../../lib/yield-turn.ts";
import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import type { CopiedPart } from "../../rpc/copy-jobs.ts";
import { toKeyBeside } from "../../rpc/object-key.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { Sealing, SealWork } from "../../rpc/seal-jobs.ts";
import { countSealedBytes, createSeal, type Seal, sealRange } from "../../sealing/seal.ts";
import type { ByteRange } from "../../storage/artifact-store.ts";
import { readObjectBlocks } from "../../storage/read-object-blocks.ts";
import { choosePartBytes, hashBytes } from "../copying/copy-place.ts";
import type { RunContext } from "../engine/run-context.ts";

/** After this many bytes, or this long, a step seals nothing more, so that little is repeated. */
const STEP_BYTES_MAX = 256 * MIB;
const STEP_MS_MAX = 60_000;

/** How often the sealing of a file restarts. */
const RESTARTS_MAX = 2;

/** What a step "seal artifacts" reports to the dashboard. */
export interface SealedStep {
  artifacts: number;
  bytes: number;
  isDone: boolean;
}

/** How much an attempt of a step has done. */
interface Budget {
  artifacts: number;
  bytes: number;
  isOver: () => boolean;
}

/** An artifact with its seal: every sealed byte follows from them. */
interface Sealed {
  artifact: ArtifactRecord;
  sealing: Sealing;
  bytes: number;
  read: (range: ByteRange) => Promise<Uint8Array>;
}

/**
 * Seals the next of a job's artifacts in the deployment's own store, and replaces each plain file by
 * its sealed one once that was read back. One step seals several small files; or it begins a large
 * one, sends some of its parts, or ends it. An attempt whose time was up can therefore disturb no
 * step but its own and the next. Repeating it continues after the last recorded part.
 * Errors: `configuration-invalid` without recipients, `artifact-corrupt` if the store has other
 * bytes, `artifact-missing`, `run-superseded`.
 */
export async function sealStep(context: RunContext): Promise<SealedStep> {
  const { jobs, runId } = context;
  const startedAtMs = Date.now();
  const budget: Budget = {
    artifacts: 0,
    bytes: 0,
    isOver: () => budget.bytes >= STEP_BYTES_MAX || Date.now() - startedAtMs >= STEP_MS_MAX,
  };
  const report = (isDone: boolean): SealedStep => {
    const { artifacts, bytes } = budget;
    return { artifacts, bytes, isDone };
  };
  for (;;) {
    const work = unwrap(await jobs.sealWork(runId));
    if (work === null) return report(true);
    const { artifact, sealing } = work;
    const isLarge = (sealing?.partBytes ?? choosePartBytes(artifact.bytes)) !== null;
    if (budget.isOver() || (isLarge && budget.artifacts > 0)) return report(false);
    await advanceOrRestart(context, work, budget);
    if (isLarge) return report(false);
    await context.beat();
  }
}

/**
 * Advances a sealing. If the store has lost or changed it, restarts it under another key, a few
 * times: a late part of a killed attempt may have replaced one. An error does not count if another
 * attempt has ended this sealing meanwhile.
 */
async function advanceOrRestart(
  context: RunContext,
  work: SealWork,
  budget: Budget,
): Promise<void> {
  const { artifact, sealing } = work;
  try {
    await advance(context, work, budget);
  } catch (error) {
    if (await isOvertaken(context, work)) return;
    const isCorrupt = error instanceof ExportError && error.code === "artifact-corrupt";
    if (!isCorrupt || sealing === null || sealing.restarts >= RESTARTS_MAX) throw error;
    await begin(context, artifact, { replaces: sealing.key, restarts: sealing.restarts + 1 });
  }
}

async function isOvertaken(
  { jobs, runId }: RunContext,
  { artifact, sealing }: SealWork,
): Promise<boolean> {
  const now = unwrap(await jobs.sealWork(runId));
  const isSame = now !== null && now.artifact.ordinal === artifact.ordinal;
  return !isSame || now.sealing?.key !== sealing?.key;
}

/** Begins a sealing, sends some of its parts, or ends it. */
async function advance(
  context: RunContext,
  { artifact, sealing }: SealWork,
  budget: Budget,
): Promise<void> {
  if (sealing === null) {
    await begin(context, artifact, { replaces: null, restarts: 0 });
    return;
  }
  const sealed = openSealing(context, artifact, sealing);
  if (countParts(sealed) > sealing.parts.length) await sendParts(context, sealed, budget);
  else await finish(context, sealed, budget);
}

/** Records the seal before anything is written with it, so that each attempt writes the same bytes. */
async function begin(
  context: RunContext,
  artifact: ArtifactRecord,
  { replaces, restarts }: { replaces: string | null; restarts: number },
): Promise<void> {
  const { jobs, runId, store, config } = context;
  if (config.ageRecipients.length === 0) {
    const message = "EXPORT_AGE_RECIPIENTS: it contains no key, but this export must be sealed";
    throw new ExportError("configuration-invalid", message);
  }
  const { header, streamKey } = await createSeal(config.ageRecipients);
  const { ordinal, name } = artifact;
  const partBytes = choosePartBytes(countSealedBytes({ header }, artifact.bytes));
  const key = toKeyBeside(artifact, { name: `sealed-${crypto.randomUUID()}/${name}.age` });
  const contentType = "application/octet-stream";
  const uploadId = partBytes === null ? "" : await store.createUpload(key, { contentType });
  const seal = { header: toBase64(header), streamKey: toBase64(streamKey) };
  const sealing = { key, uploadId, partBytes, seal, parts: [], restarts };
  const begun = await jobs.beginSealing(runId, { ordinal, replaces, sealing });
  const isKept = begun.ok && begun.value.kept;
  if (!isKept && uploadId !== "") await store.abortUpload({ key, uploadId });
  unwrap(begun);
}

function openSealing({ store }: RunContext, artifact: ArtifactRecord, sealing: Sealing): Sealed {
  const seal: Seal = {
    header: fromBase64(sealing.seal.header),
    streamKey: fromBase64(sealing.seal.streamKey),
  };
  return {
    artifact,
    sealing,
    bytes: countSealedBytes(seal, artifact.bytes),
    read: (range) =>
      sealRange(seal, artifact.bytes, range, (plain) => store.read(artifact.objectKey, plain)),
  };
}

/** Returns how many parts a file is sent in; 0 if it is put whole. */
function countParts({ sealing: { partBytes }, bytes }: Sealed): number {
  return partBytes === null ? 0 : Math.ceil(bytes / partBytes);
}

async function sendParts(context: RunContext, sealed: Sealed, budget: Budget): Promise<void> {
  const { jobs, runId, store } = context;
  const { artifact, sealing, read, bytes: total } = sealed;
  const { key, uploadId, parts: known, partBytes } = sealing;
  const count = countParts(sealed);
  const parts: CopiedPart[] = [];
  for (let number = known.length + 1; number <= count; number += 1) {
    const offset = (number - 1) * (partBytes ?? total);
    const bytes = await read({ offset, length: Math.min(partBytes ?? total, total - offset) });
    const part = await store.putPart({ key, uploadId }, number, bytes);
    parts.push({ ...part, sha256: hashBytes(bytes) });
    budget.bytes += bytes.byteLength;
    if (budget.isOver()) break;
    await context.beat();
  }
  unwrap(await jobs.recordSealedParts(runId, { ordinal: artifact.ordinal, key, parts }));
}

/** Creates the sealed object, reads it back, and replaces the plain one. */
async function finish(context: RunContext, sealed: Sealed, budget: Budget): Promise<void> {
  const { jobs, runId, store } = context;
  const { artifact, sealing, bytes, read } = sealed;
  const { key, uploadId, parts } = sealing;
  let expected = parts.map((part) => ({ bytes: part.bytes, sha256: part.sha256 }));
  if (uploadId === "") {
    const whole = await read({ offset: 0, length: bytes });
    expected = [{ bytes, sha256: hashBytes(whole) }];
    await store.put(key, whole, { contentType: "application/octet-stream" });
  } else {
    const stored = parts.map((part) => ({
      number: part.number,
      bytes: part.bytes,
      etag: part.etag,
    }));
    await store.completeUpload({ key, uploadId }, stored);
  }
  const hashes = await readBack(context, { key, name: `${artifact.name}.age`, bytes }, expected);
  // Its upload is begun and completed, or it is put whole.
  const writes = uploadId === "" ? 1 : parts.length + 2;
  unwrap(
    await jobs.commitSealed(runId, {
      ordinal: artifact.ordinal,
      key,
      bytes,
      ...hashes,
      r2ClassAOperations: writes * store.billedOperations.write,
    }),
  );
  budget.artifacts += 1;
  budget.bytes += bytes;
}

/** Reads a sealed file back and compares each part with what was sent. Errors: `artifact-corrupt`. */
async function readBack(
  context: RunContext,
  object: { key: string; name: string; bytes: number },
  expected: readonly { bytes: number; sha256: string }[],
): Promise<{ sha256: string; crc32: number }> {
  const yieldTurn = makeTurnYielder();
  const whole = createHash("sha256");
  let checksum = 0;
  let at = 0;
  let left = expected[0]?.bytes ?? 0;
  let hash = createHash("sha256");
  for await (const bytes of readObjectBlocks(context.store, object)) {
    await yieldTurn();
    await context.beat();
    whole.update(bytes);
    checksum = crc32(bytes, checksum);
    for (let offset = 0; offset < bytes.byteLength;) {
      const slice = bytes.subarray(offset, offset + left);
      hash.update(slice);
      offset += slice.byteLength;
      left -= slice.byteLength;
      if (left > 0) continue;
      if (hash.digest("hex") !== expected[at]?.sha256) throw changed(object.name);
      at += 1;
      hash = createHash("sha256");
      left = expected[at]?.bytes ?? 0;
      if (left === 0 && offset < bytes.byteLength) throw changed(object.name);
    }
  }
  if (at < expected.length) throw changed(object.name);
  return { sha256: whole.digest("hex"), crc32: checksum };
}

function changed(name: string): ExportError {
  return new ExportError("artifact-corrupt", `${name} was read back with other bytes`);
}
