import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request on its way to an S3 service. */
export interface ProxiedRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What happens to a request: an answer of the proxy, a dropped connection, or another body. */
export type Interception =
  | { status: number; body?: string; headers?: Record<string, string> }
  | "drop"
  | { forward: Buffer };

/** A proxy in front of an S3 service. The service sees the proxy's host, as signatures need. */
export interface S3Proxy {
  origin: string;
  /** Every request so far. */
  requests: ProxiedRequest[];
  /** Decides about each later request; undefined forwards it. */
  intercept: (request: ProxiedRequest) => Interception | undefined;
  stop: () => Promise<void>;
}

export async function startS3Proxy(target: string): Promise<S3Proxy> {
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = incoming;
    const request = { method, url, headers, body: await buffer(incoming) };
    proxy.requests.push(request);
    const what = proxy.intercept(request);
    if (what === "drop") {
      response.destroy();
      return;
    }
    if (what !== undefined && "status" in what) {
      response.writeHead(what.status, what.headers).end(what.body);
      return;
    }
    const onward = httpRequest(`${target}${url}`, { method, headers });
    onward.on("error", () => response.destroy());
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.end(what?.forward ?? request.body);
  };
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: S3Proxy = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    intercept: () => undefined,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}

/** An answer of S3 that reports an error. */
export function s3Error(status: number, code: string, message = "no"): Interception {
  const body = `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body, headers: { "content-type": "application/xml" } };
}
