import { withBenchWorker } from "./bench-worker.ts";
import type { Dataset } from "./datasets.ts";
import { isolatePeakBytes } from "./isolate-memory.ts";
import { median } from "./processes.ts";

/** The results of proving one plain dump by a restore. Seconds are medians over the rounds. */
export interface ProofMeasurement {
  dataset: string;
  /** Of SQL text. */
  bytes: number;
  /** From POST to `completed` with `"verify": "checksum"`, by the job's own clock. */
  exportSeconds: number;
  /** The same with `"verify": "restore"`. */
  provedSeconds: number;
  /** The part of `provedSeconds` that the view's `proof.seconds` reports. */
  proofSeconds: number;
  /** Of the Worker's own isolate, in a job that is not timed. */
  isolatePeakBytes: number;
}

/** Exports one database with and without a proof; each round runs both in turn. */
export function measureProof(
  { name, fill }: Dataset,
  options: { bytes: number; rounds: number },
): Promise<ProofMeasurement> {
  return withBenchWorker(
    (db) => fill(db, options.bytes),
    async (bench) => {
      const exported: number[] = [];
      const proved: number[] = [];
      const proofs: number[] = [];
      const exportOnce = async (verify: "checksum" | "restore") => {
        const done = await bench.export({ verify });
        await bench.call("DELETE", new URL(done.view.links.self).pathname);
        return done;
      };
      let bytes = 0;
      for (let round = 0; round < options.rounds; round += 1) {
        exported.push((await exportOnce("checksum")).seconds);
        const { view, seconds } = await exportOnce("restore");
        proved.push(seconds);
        proofs.push(view.proof.seconds ?? Number.NaN);
        bytes = view.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
      }
      return {
        dataset: name,
        bytes,
        exportSeconds: median(exported),
        provedSeconds: median(proved),
        proofSeconds: median(proofs),
        isolatePeakBytes: await isolatePeakBytes(bench.inspectorPort, () => exportOnce("restore")),
      };
    },
  );
}
