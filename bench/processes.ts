import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

/** Runs a shell line with its output in a file. Returns seconds and the file's size. */
export async function timeCommand(
  line: string,
  outputPath: string,
): Promise<{ seconds: number; bytes: number }> {
  const output = openSync(outputPath, "w");
  const startMs = performance.now();
  const child = spawn("bash", ["-o", "pipefail", "-c", line], {
    stdio: ["ignore", output, "pipe"],
  });
  let problems = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (problems += text));
  const [status] = (await once(child, "close")) as [number | null];
  const seconds = (performance.now() - startMs) / 1_000;
  closeSync(output);
  if (status !== 0) throw new Error(`${line}: ${problems.slice(-2_000)}`);
  return { seconds, bytes: statSync(outputPath).size };
}

/** Version of the `sqlite3` shell; null if it is not installed. */
export function shellVersion(): string | null {
  const { status, stdout } = spawnSync("sqlite3", ["-version"], { encoding: "utf8" });
  return status === 0 ? (stdout.split(" ")[0] ?? "") : null;
}

/**
 * The `workerd` processes of a process group, which is one `wrangler dev`: the proxy's, and the one
 * that runs Worker, objects and simulated bucket. Linux only.
 */
function runtimePids(group: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return stat.includes("(workerd)") && Number(fields[2]) === group;
      } catch {
        return false;
      }
    });
}

/** Resets `peakMemoryBytes`. */
export function resetPeakMemory(group: number): void {
  for (const pid of runtimePids(group)) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/**
 * Largest resident memory of the group's runtime processes since the last reset, including
 * simulated R2.
 */
export function peakMemoryBytes(group: number): number {
  const peaks = runtimePids(group).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
  });
  return Math.max(0, ...peaks);
}

/** The middle value, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the two nearest values. NaN for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
