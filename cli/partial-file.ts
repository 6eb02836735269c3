import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat, statfs, truncate, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

import { CliError, throwIfInterrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatBytes } from "./format.ts";
import type { Proof } from "./proof.ts";

const READ_BYTES = 1024 * 1024;

/** Returns the path at which the bytes of `path` are collected until they are verified. */
export function partialPathOf(path: string): string {
  return `${path}.part`;
}

/**
 * A file that grows under a temporary name next to its final one, survives a crash, and gets its
 * final name only after it is complete. Disk errors are `CliError`s of one line.
 */
export class PartialFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #bytes: number;

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  /** Opens what an earlier attempt left, or a new file. */
  static async open(path: string): Promise<PartialFile> {
    const partial = partialPathOf(path);
    try {
      const handle = await open(partial, "a+");
      return new PartialFile(path, handle, (await handle.stat()).size);
    } catch (error) {
      throw diskError(error, partial);
    }
  }

  /** The number of bytes written so far, including earlier attempts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Fails early if the disk has less free space than the bytes to come. */
  async reserve(bytes: number): Promise<void> {
    const { bavail, blocks, bsize } = await statfs(dirname(this.path));
    const free = bavail * bsize;
    // Some network disks report nothing: zero blocks in total.
    if (blocks > 0 && free < bytes)
      throw noSpace(
        this.path,
        `${formatBytes(bytes)} are needed, but only ${formatBytes(free)} are free`,
      );
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      let written = 0;
      while (written < chunk.length) {
        const { bytesWritten } = await this.#handle.write(chunk, written);
        written += bytesWritten;
        this.#bytes += bytesWritten;
      }
    } catch (error) {
      throw diskError(error, this.path);
    }
  }

  /** Discards every byte. */
  async restart(): Promise<void> {
    // By its path: Windows truncates no file by a handle that appends (nodejs/node#3177).
    await truncate(partialPathOf(this.path), 0);
    this.#bytes = 0;
  }

  /** Waits for the disk and gives the file its final name, in place of any existing file. */
  async publish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(partialPathOf(this.path), this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw diskError(error, this.path);
    }
  }

  /** Closes it and keeps it for the next attempt. May be called after `publish`. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(partialPathOf(this.path), { force: true });
  }
}

/** Waits until a rename in the folder would survive a power cut. Some systems cannot open folders. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

interface ReadOptions {
  signal: AbortSignal;
  onBytes?: (bytes: number) => void;
  /** Offsets in bytes; the whole file if there is no range. */
  range?: { offset: number; length: number };
}

/** Returns the SHA-256, in lower-case hex, of a file on disk, or of a range of it. */
export async function hashFile(path: string, options: ReadOptions): Promise<string> {
  const hash = createHash("sha256");
  await readThrough(path, options, (chunk) => hash.update(chunk));
  return hash.digest("hex");
}

/** Reports whether a proof accepts a file on disk, and the file's SHA-256. */
export async function proveFile(
  path: string,
  proof: Proof,
  options: ReadOptions,
): Promise<ReturnType<Proof["end"]>> {
  await readThrough(path, options, (chunk) => proof.update(chunk));
  return proof.end();
}

async function readThrough(
  path: string,
  options: ReadOptions,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  const { range } = options;
  if (range?.length === 0) return;
  let bytes = 0;
  try {
    const stream = createReadStream(path, {
      highWaterMark: READ_BYTES,
      ...(range === undefined ? {} : { start: range.offset, end: range.offset + range.length - 1 }),
    });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      throwIfInterrupted(options.signal);
      onChunk(chunk);
      bytes += chunk.length;
      options.onBytes?.(bytes);
    }
  } catch (error) {
    throw error instanceof CliError ? error : diskError(error, path);
  }
}

/** Returns what `path` is; undefined if it does not exist. */
export async function findFileKind(
  path: string,
): Promise<"file" | "folder" | "device" | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : "device";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw diskError(error, path);
  }
}

const WORDS: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EBUSY: "another program uses it",
  EROFS: "the disk is read-only",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EIO: "the disk reported an error",
  EPIPE: "the reader is gone",
};

/**
 * Returns a disk's error as one line with exit code 1. `isResumable`: the same call resumes at the point where it
 * stopped.
 */
export function diskError(error: unknown, path: string, isResumable = true): CliError {
  if (error instanceof CliError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
    const words = {
      ENOSPC: "the disk is full",
      EDQUOT: "the quota is used up",
      EFBIG: "the file is too large for the disk",
    };
    return noSpace(path, words[code], { cause: error, isResumable });
  }
  return new CliError("file", `${path}: ${WORDS[code ?? ""] ?? code ?? message}`, {
    exitCode: EXIT.failed,
    cause: error,
  });
}

function noSpace(
  path: string,
  why: string,
  { cause, isResumable = true }: { cause?: unknown; isResumable?: boolean } = {},
): CliError {
  return new CliError("disk-full", `${path}: ${why}`, {
    exitCode: EXIT.failed,
    hint: isResumable
      ? "Free some space and run the same command again: it resumes where it stopped."
      : undefined,
    cause,
  });
}
