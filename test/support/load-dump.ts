import type { Source } from "../../src/databases/source.ts";
import { loadScript } from "../../src/loading/load-script.ts";
import { planLoad } from "../../src/loading/plan-load.ts";
import { insertPositionSql } from "../../src/loading/position.ts";
import { scanScript } from "../../src/loading/scan-script.ts";
import { dropRestoreTables, listTargetTables } from "../../src/loading/target.ts";
import type { LoadPlan } from "../../src/rpc/load-plan.ts";

/** How a script is loaded; none of it may change what is in the target afterwards. */
export interface Loading {
  /** Bytes of text that arrive at once. */
  pieceBytes: number;
  /** Bytes of text that one call loads. */
  textBytesMax: number;
  /** Staged rows that one turn moves. */
  sliceRows: number;
  /** True if the restore has begun: its position is in the target. */
  isStarted: boolean;
  /** True if another attempt still needs the restore's tables. */
  keepsTables: boolean;
  /** Called after an attempt failed; true to try again. */
  tryAgain: (error: unknown) => boolean;
  /** Called with the last position. */
  onLoaded: (position: { rows: number }) => void;
}

const AT_ONCE: Loading = {
  pieceBytes: 65_536,
  textBytesMax: 1e12,
  sliceRows: 10_000,
  isStarted: false,
  keepsTables: false,
  tryAgain: () => false,
  onLoaded: () => {},
};

const RESTORE_ID = "11111111-1111-4111-8111-111111111111";

/** Loads a script into a database, as a restore job does, and returns how. */
export async function loadDump(
  source: Source,
  script: Uint8Array,
  loading: Partial<Loading> = {},
): Promise<LoadPlan> {
  const { pieceBytes, textBytesMax, sliceRows, isStarted, keepsTables, tryAgain, onLoaded } = {
    ...AT_ONCE,
    ...loading,
  };
  async function* read(from: number): AsyncGenerator<Uint8Array> {
    for (let at = from; at < script.length; at += pieceBytes) {
      yield script.subarray(at, at + pieceBytes);
    }
  }
  const scanned = await scanScript(read(0));
  const plan = planLoad(scanned, isStarted ? [] : await listTargetTables(source));
  await source.transaction(insertPositionSql(RESTORE_ID).map((sql) => ({ sql })));
  for (;;) {
    try {
      const loaded = await loadScript({
        target: { source, restoreId: RESTORE_ID },
        plan,
        end: scanned.end,
        read: (place) => read(place.textBytes),
        textBytesMax,
        sliceRows,
        beat: async () => {},
      });
      if (loaded.isDone) {
        onLoaded(loaded.position);
        break;
      }
    } catch (error) {
      if (!tryAgain(error)) throw error;
    }
  }
  if (!keepsTables) await dropRestoreTables(source);
  return plan;
}
