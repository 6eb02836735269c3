import type { UploadView } from "../../api/upload.ts";
import type { InlineObjects } from "../../rpc/inline-objects.ts";
import { type Outcome, outcomeOf } from "../../rpc/outcome.ts";
import type {
  OpenObject,
  PartPiece,
  StoredObject,
  StoredPart,
  Upload,
} from "../../rpc/stored-object.ts";
import type {
  FileToMake,
  MadeFile,
  NewFile,
  PartAttempt,
  UploadJobs,
  UsableFile,
} from "../../rpc/upload-jobs.ts";
import type { InlineContext } from "../../storage/inline/inline-context.ts";
import {
  abortUpload,
  completeUpload,
  createUpload,
  deleteObject,
  findObject,
  putObject,
  putPiece,
  readObject,
} from "../../storage/inline/inline-objects.ts";
import { beginCompletion, completeFile, refuseFile } from "../commands/complete-file.ts";
import { createFile } from "../commands/create-file.ts";
import { removeFile } from "../commands/remove-file.ts";
import { beginPart, recordPart } from "../commands/store-part.ts";
import { useFile } from "../commands/use-file.ts";
import { inlineContext } from "../inline-files.ts";
import { recordFileUpload } from "../tables/file-rows.ts";
import { getUploadView } from "../views/upload-view.ts";
import { JobsBase } from "./jobs-base.ts";

/** The part of the jobs object that keeps files: those that are stored inline, and uploaded scripts. */
export abstract class JobsFiles extends JobsBase implements InlineObjects, UploadJobs {
  readonly #files: InlineContext = inlineContext(this.jobs);

  // InlineObjects

  putObject(key: string, bytes: Uint8Array): Promise<Outcome<StoredObject>> {
    return this.#atOnce(() => putObject(this.#files, key, bytes));
  }

  createUpload(key: string): Promise<Outcome<string>> {
    return outcomeOf(() => createUpload(this.#files, key));
  }

  putPiece(piece: PartPiece): Promise<Outcome<void>> {
    return this.#atOnce(() => putPiece(this.#files, piece));
  }

  completeUpload(upload: Upload, parts: readonly StoredPart[]): Promise<Outcome<StoredObject>> {
    return this.#atOnce(() => completeUpload(this.#files, upload, parts));
  }

  abortUpload(upload: Upload): Promise<Outcome<void>> {
    return this.#atOnce(() => abortUpload(this.jobs.sql, upload));
  }

  findObject(key: string): Promise<Outcome<StoredObject | null>> {
    return outcomeOf(() => findObject(this.jobs.sql, key) ?? null);
  }

  readObject(
    object: OpenObject,
    range: { offset: number; bytesMax: number },
  ): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    return outcomeOf(() => readObject(this.jobs.sql, object, range));
  }

  deleteObjects(keys: readonly string[]): Promise<Outcome<void>> {
    return this.#atOnce(() => {
      for (const key of keys) deleteObject(this.jobs.sql, key);
    });
  }

  // UploadJobs

  createFile(file: NewFile): Promise<Outcome<null>> {
    return outcomeOf(() => createFile(this.jobs, file));
  }

  openFile(fileId: string, uploadId: string): Promise<Outcome<UploadView>> {
    return outcomeOf(() => {
      recordFileUpload(this.jobs.sql, fileId, uploadId);
      return getUploadView(this.jobs.sql, fileId);
    });
  }

  fileView(fileId: string): Promise<Outcome<UploadView>> {
    return outcomeOf(() => getUploadView(this.jobs.sql, fileId));
  }

  beginPart(part: {
    fileId: string;
    number: number;
    bytes: number;
  }): Promise<Outcome<PartAttempt>> {
    return outcomeOf(() => beginPart(this.jobs.sql, part));
  }

  recordPart(
    fileId: string,
    stored: { attempt: number; part: StoredPart },
  ): Promise<Outcome<null>> {
    return outcomeOf(() => recordPart(this.jobs.sql, fileId, stored));
  }

  beginCompletion(
    fileId: string,
    completion: { parts: number; sha256: string | null },
  ): Promise<Outcome<FileToMake | { view: UploadView }>> {
    return outcomeOf(() => beginCompletion(this.jobs.sql, fileId, completion));
  }

  refuseFile(fileId: string): Promise<Outcome<UploadView>> {
    return outcomeOf(() => refuseFile(this.jobs.sql, fileId));
  }

  completeFile(fileId: string, made: MadeFile): Promise<Outcome<UploadView>> {
    return outcomeOf(() => completeFile(this.jobs, fileId, made));
  }

  removeFile(fileId: string): Promise<Outcome<null>> {
    return outcomeOf(() => removeFile(this.jobs, fileId));
  }

  useFile(fileId: string, jobId: string): Promise<Outcome<UsableFile>> {
    return outcomeOf(() => useFile(this.jobs.sql, fileId, jobId));
  }

  #atOnce<T>(work: () => T): Promise<Outcome<T>> {
    return outcomeOf(() => this.jobs.storage.transactionSync(work));
  }
}
