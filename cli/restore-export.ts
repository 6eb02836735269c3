import { join } from "node:path";

import type { Context } from "./context.ts";
import { downloadArtifacts } from "./download-artifacts.ts";
import { openScript, type ScriptInput } from "./script-input.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { requireRestorable } from "./verify-restore.ts";

/**
 * Downloads an export of the Worker into a temporary file, compares it with its manifest, and opens it as a script.
 * Errors: those of a download. Throws a usage error if it is not an SQL dump with a schema.
 */
export async function openExport(context: Context, jobId: string): Promise<ScriptInput> {
  const { terminal, host } = context;
  const client = context.client();
  const { manifest } = await client.getManifest(jobId);
  const { format, content, artifacts } = manifest;
  requireRestorable({ format, content, files: artifacts });
  const temporary = new TemporaryFolder();
  try {
    const output = join(await temporary.open(), "dump");
    await downloadArtifacts({ client, terminal, host, jobId, output });
    const { stdin, interrupt: signal } = host;
    const script = await openScript(output, { terminal, stdin, signal });
    const close = async () => {
      await script.close();
      temporary.remove();
    };
    return { ...script, shown: `export ${jobId}`, close };
  } catch (error) {
    temporary.remove();
    throw error;
  }
}
