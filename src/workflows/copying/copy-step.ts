import { ExportError } from "../../api/errors.ts";
import { assert } from "../../lib/assert.ts";
import { isLocalOrigin } from "../../lib/local-origin.ts";
import type {
  CopiedFile,
  CopyCommit,
  CopyTask,
  CopyUpload,
  CopyWork,
} from "../../rpc/copy-jobs.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { openBucket } from "../../storage/destinations/open-destination.ts";
import type { CopyContext } from "./copy-context.ts";
import { contentOf, makeSeal } from "./copied-content.ts";
import { checkObject, countParts, sendParts } from "./copy-parts.ts";
import { choosePartBytes, CopyPlace } from "./copy-place.ts";
import { copyWhole } from "./copy-whole.ts";

/** How often a file is sent again because its destination has lost or changed it. */
const RESTARTS_MAX = 2;

/** What a step "copy …" reports to the dashboard. */
interface CopyReport {
  files: number;
  bytes: number;
  parts: number;
  next: CopyTask | null;
}

/** What a step has done. */
type Progress = Pick<CopyCommit, "finished" | "upload" | "parts">;

const NOTHING: Progress = { finished: { files: 0, bytes: 0 }, upload: null, parts: [] };

/**
 * Does one step of a copy from where it is recorded, and commits it: small files, each whole; or of
 * a large file the beginning of its upload, some parts, or the check of the object. An attempt that
 * finds its step already committed returns what follows it. Errors: those of the destination,
 * `artifact-missing` if the file is gone, `run-superseded`.
 */
export async function copyStep(context: CopyContext, task: CopyTask): Promise<CopyReport> {
  const { jobs, copier } = context;
  const work = unwrap(await jobs.copyWork(copier, task));
  if (work === null || work.task.number !== task.number) {
    return { files: 0, bytes: 0, parts: 0, next: unwrap(await jobs.nextCopy(copier)) };
  }
  const place = namingDestination(task, () => openPlace(context, work));
  const { progress, isRestart } = await advanceOrRestart(place, work);
  const { r2ClassAOperations } = place;
  const commit: CopyCommit = { task, ...progress, isRestart, r2ClassAOperations };
  const next = unwrap(await jobs.commitCopy(copier, commit));
  return { ...progress.finished, parts: progress.parts.length, next };
}

function openPlace({ env, config, store, beat }: CopyContext, work: CopyWork): CopyPlace {
  const { ageRecipients: recipients } = config;
  const options = { localDevelopment: isLocalOrigin(work.origin) };
  const to = openBucket(env, config, work.task.destination, options);
  return new CopyPlace({ from: store, to, folder: work.folder, beat, recipients });
}

/**
 * Advances a copy. If the destination has lost or changed what it was sent, the file is sent again,
 * a few times. Errors: `destination-refused` if that does not help.
 */
async function advanceOrRestart(
  place: CopyPlace,
  work: CopyWork,
): Promise<{ progress: Progress; isRestart: boolean }> {
  try {
    return { progress: await advance(place, work), isRestart: false };
  } catch (error) {
    if (!(error instanceof ExportError) || error.code === "run-superseded") throw error;
    if (error.code !== "artifact-corrupt") throw nameDestination(work.task, error);
    if (work.restarts >= RESTARTS_MAX) {
      const message = `${error.message}, ${RESTARTS_MAX + 1} times`;
      throw nameDestination(work.task, new ExportError("destination-refused", message));
    }
    await abortQuietly(place, work);
    return { progress: NOTHING, isRestart: true };
  }
}

async function advance(place: CopyPlace, work: CopyWork): Promise<Progress> {
  const { files, upload, parts } = work;
  const [file] = files;
  if (file === undefined) return NOTHING;
  const bytes = await place.findBytes(file);
  if (upload === null) {
    if (choosePartBytes(bytes) === null) {
      return { ...NOTHING, finished: await copyWhole(place, files) };
    }
    return { ...NOTHING, upload: await openUpload(place, file, bytes) };
  }
  const content = contentOf(place, file, bytes, upload.seal);
  const large = { file, content, upload, parts };
  if (parts.length < countParts(large)) {
    return { ...NOTHING, upload, parts: await sendParts(place, large) };
  }
  const checkedParts = await checkObject(place, large);
  if (checkedParts < parts.length) return { ...NOTHING, upload: { ...upload, checkedParts } };
  return { ...NOTHING, finished: { files: 1, bytes: content.bytes } };
}

/** A seal is made once for each upload, so that every attempt of a part sends the same bytes. */
async function openUpload(place: CopyPlace, file: CopiedFile, bytes: number): Promise<CopyUpload> {
  const seal = file.isSealed ? await makeSeal(place) : null;
  const content = contentOf(place, file, bytes, seal);
  const metadata = { contentType: content.contentType };
  const uploadId = await place.to.createUpload(place.keyOf(file), metadata);
  place.count({ writes: 1 });
  const partBytes = choosePartBytes(content.bytes);
  assert(partBytes !== null, "a sealed file is longer than the plain one");
  return { uploadId, partBytes, seal, checkedParts: 0 };
}

/** The upload may be gone already, and an object that is wrong is replaced. */
async function abortQuietly(place: CopyPlace, { files, upload }: CopyWork): Promise<void> {
  const [file] = files;
  if (file === undefined || upload === null) return;
  const { uploadId } = upload;
  await place.to.abortUpload({ key: place.keyOf(file), uploadId }).catch(() => undefined);
}

function nameDestination({ destination }: CopyTask, error: ExportError): ExportError {
  const message = `copy to ${JSON.stringify(destination)}: ${error.message}`;
  return new ExportError(error.code, message, { cause: error });
}

function namingDestination<T>(task: CopyTask, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ExportError ? nameDestination(task, error) : error;
  }
}
