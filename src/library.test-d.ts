import { expectTypeOf } from "vitest";

import type { ExportEnv, RunParams, RunPayload, StreamEnding } from "./library.ts";

// The binding of a Worker that was typed with the names of 0.1.0 still fits an ExportEnv.
expectTypeOf<RunParams | StreamEnding>().toEqualTypeOf<RunPayload>();
expectTypeOf<Workflow<RunParams | StreamEnding>>().toEqualTypeOf<ExportEnv["EXPORT_WORKFLOW"]>();
