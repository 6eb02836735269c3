import type { ExportService } from "durable-export";

interface Env {
  EXPORTS: Service<ExportService>;
}

// Anybody who reaches these routes makes and reads backups: put your app's own authorization before them.
export default {
  async fetch(request, env) {
    const [, backups, jobId, file] = new URL(request.url).pathname.split("/");
    if (backups !== "backups") return new Response("not found\n", { status: 404 });
    try {
      if (request.method === "POST") {
        return Response.json(await env.EXPORTS.start({ compression: "gzip" }), { status: 202 });
      }
      if (jobId === undefined) return Response.json(await env.EXPORTS.list({ limit: 10 }));
      if (file === "file") return await env.EXPORTS.download(jobId);
      return Response.json(await env.EXPORTS.get(jobId));
    } catch (error) {
      // The message starts with the API's code, such as "export-already-running: …".
      const { message } = error as Error;
      return Response.json({ error: message }, { status: 409 });
    }
  },
} satisfies ExportedHandler<Env>;
