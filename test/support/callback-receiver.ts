import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

/** One request as the receiver saw it. */
export interface ReceivedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  /** True if the connection ended before the response did. */
  brokenOff: boolean;
}

function* endlessBody(): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024, "x");
  for (;;) yield piece;
}

/**
 * An HTTP receiver that misbehaves as its path says; `body` is in hex. `GET /requests` lists what it received; other paths:
 * `/answer?status=&body=&retry-after=&location=`, `/echo?status=&body=` (its path, the signature and `body`), `/hang`
 * (no answer), `/hang-in-body?status=`, `/endless?status=`, `/break` (drops the connection),
 * `/fail-twice` (500, 500, then 200, counted by `webhook-id`).
 */
function createCallbackReceiver(): Server {
  const received: ReceivedRequest[] = [];
  return createServer((request, response) => {
    answer(request, response, received).catch((error: unknown) => response.destroy(error as Error));
  });
}

/**
 * Starts the receiver on a free port of 127.0.0.1; returns its origin and a function to stop it.
 */
export async function startCallbackReceiver(): Promise<{ origin: string; stop: () => void }> {
  const server = createCallbackReceiver();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: ReceivedRequest[],
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://receiver");
  if (url.pathname === "/requests") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(received));
    return;
  }
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const entry: ReceivedRequest = {
    method: request.method ?? "",
    path: `${url.pathname}${url.search}`,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    ),
    body: Buffer.concat(pieces).toString(),
    brokenOff: false,
  };
  received.push(entry);
  response.on("close", () => (entry.brokenOff = !response.writableFinished));

  response.statusCode = Number(url.searchParams.get("status") ?? 200);
  for (const name of ["retry-after", "location"]) {
    const value = url.searchParams.get(name);
    if (value !== null) response.setHeader(name, value);
  }
  switch (/^\/[^/]*/.exec(url.pathname)?.[0]) {
    case "/answer":
      response.end(bodyFrom(url));
      return;
    case "/echo":
      response.end(`${entry.path} ${entry.headers["webhook-signature"]} ${bodyFrom(url)}`);
      return;
    case "/hang":
      return;
    case "/hang-in-body":
      response.write("the beginning");
      return;
    case "/endless":
      // Ends when the receiver can no longer write because the other side is gone.
      await pipeline(endlessBody(), response).catch(() => undefined);
      return;
    case "/break":
      response.destroy();
      return;
    case "/fail-twice": {
      const id = entry.headers["webhook-id"];
      const tries = received.filter((other) => other.headers["webhook-id"] === id).length;
      response.statusCode = tries <= 2 ? 500 : 200;
      response.end(tries <= 2 ? "not yet" : "");
      return;
    }
    default:
      response.statusCode = 404;
      response.end();
  }
}

/** `body` in hex, since a callback's sender hides every value of its URL in what it quotes. */
function bodyFrom(url: URL): string {
  return Buffer.from(url.searchParams.get("body") ?? "", "hex").toString();
}
