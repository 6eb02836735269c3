/** Compiled by `tsc` with everything else: what the client takes and returns. */
import { expectTypeOf } from "vitest";

import type { ErrorCode } from "../api/error-codes.ts";
import type { ExportRequestInput } from "../api/export-request.ts";
import type { JobView } from "../api/job-view.ts";
import type { ExportService } from "../export-service.ts";
import type { ExportApiError } from "./export-api-error.ts";
import type { ExportClientOptions, JobEvent } from "./client-options.ts";
import type { ExportClient } from "./export-client.ts";

type Method = Extract<keyof ExportService, keyof ExportClient>;

expectTypeOf<Parameters<ExportClient["start"]>[0]>().toEqualTypeOf<
  ExportRequestInput | undefined
>();
expectTypeOf<[]>().toExtend<Parameters<ExportClient["start"]>>();
expectTypeOf<[{ format: "xml" }]>().not.toExtend<Parameters<ExportClient["start"]>>();
expectTypeOf<{ status: "done" }>().not.toExtend<NonNullable<Parameters<ExportClient["list"]>[0]>>();
expectTypeOf<ReturnType<ExportClient["wait"]>>().toEqualTypeOf<Promise<JobView>>();
expectTypeOf<ErrorCode>().toExtend<ExportApiError["code"]>();
expectTypeOf<Extract<JobEvent, { type: "deleted" }>["job"]>().toEqualTypeOf<null>();

// The global fetch, and a service binding's, send requests.
expectTypeOf<typeof fetch>().toExtend<NonNullable<ExportClientOptions["fetch"]>>();
expectTypeOf<Fetcher["fetch"]>().toExtend<NonNullable<ExportClientOptions["fetch"]>>();

// The service has the client's methods, but those that follow a job: their callers would hold a call open.
expectTypeOf<Exclude<keyof ExportClient, Method>>().toEqualTypeOf<
  "wait" | "events" | "fleetEvents" | "restoreEvents" | "waitForRestore" | "waitForFleet"
>();
expectTypeOf<{ [Name in Method]: Awaited<ReturnType<ExportService[Name]>> }>().toEqualTypeOf<{
  [Name in Method]: Awaited<ReturnType<ExportClient[Name]>>;
}>();
