import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Installs `age` if it is missing and the tests run as root on Linux, as they do in a container. Elsewhere a person
 * decides what is installed. Errors: those of apt-get.
 */
export function installAge(): void {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return;
  const script = fileURLToPath(new URL("../../.ci/install-age", import.meta.url));
  execFileSync(script, { stdio: "inherit" });
}
