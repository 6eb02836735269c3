import { startProcess } from "../cli/start-process.ts";
import { runAction } from "./run-action.ts";

startProcess(runAction);
