import { DurableObject } from "cloudflare:workers";

import type { ScratchObject } from "../rpc/scratch-object.ts";
import { type ExportQuery, type QueryResult, withExport } from "./with-export/with-export.ts";

/**
 * How long a scratch database may exist after its last start. Its job discards it when the proof ends; this is for an
 * object that its job has lost. It is longer than any proof waits between two turns.
 */
const FORGOTTEN_MS = 48 * 3_600_000;

/**
 * The database into which a job restores its dump to prove it: one object per job, empty before and after. Only the
 * Worker's own Workflows reach it.
 */
export class ScratchDatabase extends withExport(DurableObject) implements ScratchObject {
  #hasAlarm = false;

  override executeTransaction(queries: ExportQuery[], isRaw: boolean): QueryResult[] {
    this.#expire();
    return super.executeTransaction(queries, isRaw);
  }

  async discard(): Promise<void> {
    this.#hasAlarm = false;
    const { storage } = this.ctx;
    await storage.deleteAlarm();
    await storage.deleteAll();
  }

  override alarm(): Promise<void> {
    return this.discard();
  }

  /** Sets the alarm once per start of the object. Setting it writes one row. */
  #expire(): void {
    if (this.#hasAlarm) return;
    this.#hasAlarm = true;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(Date.now() + FORGOTTEN_MS));
  }
}
