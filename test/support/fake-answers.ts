import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { "content-type": "application/problem+json", ...headers })
    .end(
      JSON.stringify({ type: "about:blank", title: code, status, code, detail, hint: "A hint." }),
    );
}
