import { setTimeout as sleep } from "node:timers/promises";

/** How often the memory is measured, in ms. */
const LOOK_MS = 50;

/** https://chromedevtools.github.io/devtools-protocol/tot/Runtime/#method-getHeapUsage, in bytes. */
interface HeapUsage {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

/** Node's version: the types of this project's runtime, a Worker's, have no headers. */
const NodeWebSocket = WebSocket as unknown as new (
  url: string,
  options: { headers: Record<string, string> },
) => WebSocket;

/**
 * Returns the largest memory of the Worker's isolate seen while `work` ran, in bytes: heap and
 * buffers, including garbage, which is what Cloudflare's 128 MB limit covers. Locally, Worker,
 * objects and Workflow are one isolate; the simulated bucket is another. The inspector of `wrangler
 * dev` provides the numbers.
 */
export async function isolatePeakBytes(
  inspectorPort: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const socket = new NodeWebSocket(`ws://127.0.0.1:${inspectorPort}/ws`, {
    headers: { origin: "http://localhost" },
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
  });
  let peak = 0;
  socket.addEventListener("message", ({ data }) => {
    const { result } = JSON.parse(String(data)) as { result?: Partial<HeapUsage> };
    const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = result ?? {};
    peak = Math.max(peak, usedSize + embedderHeapUsedSize + backingStorageSize);
  });
  const over = new AbortController();
  const look = async (): Promise<void> => {
    for (let id = 1; !over.signal.aborted; id += 1) {
      socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
      await sleep(LOOK_MS);
    }
  };
  try {
    await Promise.all([work().finally(() => over.abort()), look()]);
  } finally {
    socket.close();
  }
  return peak;
}
