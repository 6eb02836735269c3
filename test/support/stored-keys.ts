import { env } from "cloudflare:workers";

/** Returns the folder that the docs promise. `names` is the source, and the object if there is one. */
export function folderOf(job: { createdAt: string }, names: string, id: string): string {
  const [date = "", time = ""] = job.createdAt.split("T");
  const stamp = `${date.replaceAll("-", "")}T${time.slice(0, 8).replaceAll(":", "")}Z`;
  return `exports/${names}/${date.replaceAll("-", "/")}/${stamp}-${id}/`;
}

/** Returns the keys of what the bucket has of a job, in order: in its readable folders, and in one named by its id. */
export async function listStoredKeys(jobId: string): Promise<string[]> {
  const keys: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await env.EXPORT_R2_BUCKET.list({ prefix: "exports/", cursor });
    keys.push(...page.objects.map(({ key }) => key));
    if (!page.truncated) break;
    ({ cursor } = page);
  }
  return keys.filter((key) => key.split("/").some((segment) => isOf(segment, jobId)));
}

/** True if a segment of a key is a job's id, or a time with the id, or with the beginning of the id. */
function isOf(segment: string, jobId: string): boolean {
  const [, id = segment] = /^\d{8}T\d{6}Z-(.*?)(?:-\d{1,2})?$/.exec(segment) ?? [];
  return id === jobId || id === jobId.slice(0, 8);
}
