import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy in front of a Worker whose downloads can be made to stop midway. */
export interface ChokingProxy {
  url: string;
  /** Headers of the downloads' requests so far. */
  ranges: (string | undefined)[];
  /** Lets each later download pass this many bytes and then stall; undefined: all of it. */
  choke(bytes: number | undefined): void;
  stop(): Promise<void>;
}

export async function startChokingProxy(target: string): Promise<ChokingProxy> {
  const ranges: (string | undefined)[] = [];
  let limit: number | undefined;
  const server = createServer((request, response) => {
    const isDownload = (request.url ?? "").includes("/download");
    if (isDownload) ranges.push(request.headers.range);
    const { host: _host, ...headers } = request.headers;
    const onward = httpRequest(`${target}${request.url}`, { method: request.method, headers });
    onward.on("error", () => response.destroy());
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      let left = isDownload ? (limit ?? Infinity) : Infinity;
      answer.on("data", (chunk: Buffer) => {
        if (left > 0) response.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) answer.pause();
      });
      answer.on("end", () => response.end());
    });
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ranges,
    choke: (bytes) => {
      limit = bytes;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
