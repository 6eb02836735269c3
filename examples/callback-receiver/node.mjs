// Receives callbacks in Node 20 or newer:
//
//   EXPORT_WEBHOOK_SECRET=whsec_… node node.mjs
import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const webhook = new Webhook(process.env["EXPORT_WEBHOOK_SECRET"] ?? "");
const seenIds = new Set(); // In production: a table with a unique key.

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString(); // The bytes as sent: parse them only after verifying.

  try {
    webhook.verify(body, request.headers);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    response.writeHead(401).end(error.message);
    return;
  }

  const id = String(request.headers["webhook-id"]);
  if (!seenIds.has(id)) {
    seenIds.add(id);
    const { type, data } = JSON.parse(body);
    console.log(`${type}: job ${data.jobId} is ${data.status}`);
  }
  response.writeHead(204).end();
});

server.listen(Number(process.env["PORT"] ?? 9000), process.env["HOST"], () =>
  console.log("listening", server.address()),
);
