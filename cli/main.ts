import { runCommandLine } from "./run.ts";
import { startProcess } from "./start-process.ts";

startProcess((host) => runCommandLine(process.argv.slice(2), host));
