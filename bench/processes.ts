import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

/** What a shell line took. */
export interface TimedCommand {
  seconds: number;
  /** Of its output. */
  bytes: number;
  /** The largest memory of all its processes together, measured 10 times a second. Linux only. */
  peakMemoryBytes: number;
}

/** How often the memory of a command's processes is measured, in ms. */
const LOOK_MS = 100;

/** Runs a shell line with its output in a file. */
export async function timeCommand(line: string, outputPath: string): Promise<TimedCommand> {
  const output = openSync(outputPath, "w");
  const startMs = performance.now();
  const child = spawn("bash", ["-o", "pipefail", "-c", line], {
    stdio: ["ignore", output, "pipe"],
    detached: true,
  });
  const end = (): void => void (child.pid !== undefined && process.kill(-child.pid));
  process.once("exit", end);
  let peakMemoryBytes = 0;
  const looking = setInterval(() => {
    peakMemoryBytes = Math.max(peakMemoryBytes, memoryOfGroup(child.pid ?? 0));
  }, LOOK_MS);
  let problems = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (problems += text));
  const [status] = (await once(child, "close")) as [number | null];
  const seconds = (performance.now() - startMs) / 1_000;
  clearInterval(looking);
  process.removeListener("exit", end);
  closeSync(output);
  if (status !== 0) throw new Error(`${line}: ${problems.slice(-2_000)}`);
  return { seconds, bytes: statSync(outputPath).size, peakMemoryBytes };
}

function memoryOfGroup(group: number): number {
  const sizes = pidsOfGroup(group, () => true).map((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
    } catch {
      return 0;
    }
  });
  return sizes.reduce((sum, size) => sum + size, 0);
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
  return pidsOfGroup(group, (stat) => stat.includes("(workerd)"));
}

function pidsOfGroup(group: number, isMeant: (stat: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return isMeant(stat) && Number(fields[2]) === group;
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

/** Returns how far the values are from their median at most, as a share of it. */
export function spreadOf(values: readonly number[]): number {
  const middle = median(values);
  return Math.max(...values.map((value) => Math.abs(value - middle) / middle));
}

/** Linear between the two nearest values. NaN for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
