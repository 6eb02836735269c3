import { Webhook, WebhookVerificationError } from "standardwebhooks";

interface Env {
  EXPORT_WEBHOOK_SECRET: string;
  CALLBACKS: R2Bucket;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const body = await request.text(); // The bytes as sent: parse them only after verifying.

    try {
      new Webhook(env.EXPORT_WEBHOOK_SECRET).verify(body, Object.fromEntries(request.headers));
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      return new Response(error.message, { status: 401 });
    }

    // A repeated callback has the same id, so it writes the same object again.
    await env.CALLBACKS.put(`exports/${request.headers.get("webhook-id")}.json`, body);
    return new Response(null, { status: 204 });
  },
};
