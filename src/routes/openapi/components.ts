import type * as v from "valibot";

import { DescriptionSchema } from "../../api/description.ts";
import { ExportRequestSchema } from "../../api/export-request.ts";
import { FleetManifestSchema } from "../../api/fleet-manifest.ts";
import { FleetRequestSchema } from "../../api/fleet-request.ts";
import { FleetListSchema, FleetViewSchema, MemberPageSchema } from "../../api/fleet-view.ts";
import { HealthSchema } from "../../api/health.ts";
import { JobListSchema, JobViewSchema } from "../../api/job-view.ts";
import { ManifestSchema } from "../../api/manifest.ts";
import { ProblemSchema } from "../../api/problem.ts";
import { QueryRequestSchema, QueryResultSchema } from "../../api/query-request.ts";
import { SourceListSchema } from "../../api/source-list.ts";
import {
  UploadCompletionSchema,
  UploadedPartSchema,
  UploadRequestSchema,
  UploadViewSchema,
} from "../../api/upload.ts";

/** Named bodies of requests in the API's description, as clients send them. */
export const REQUEST_COMPONENTS: Record<string, v.GenericSchema> = {
  ExportRequest: ExportRequestSchema,
  FleetRequest: FleetRequestSchema,
  QueryRequest: QueryRequestSchema,
  UploadRequest: UploadRequestSchema,
  UploadCompletion: UploadCompletionSchema,
};

/** Named bodies of answers in the API's description. */
export const ANSWER_COMPONENTS: Record<string, v.GenericSchema> = {
  JobView: JobViewSchema,
  JobList: JobListSchema,
  Manifest: ManifestSchema,
  FleetView: FleetViewSchema,
  FleetList: FleetListSchema,
  MemberPage: MemberPageSchema,
  FleetManifest: FleetManifestSchema,
  SourceList: SourceListSchema,
  QueryResult: QueryResultSchema,
  UploadView: UploadViewSchema,
  UploadedPart: UploadedPartSchema,
  Problem: ProblemSchema,
  Health: HealthSchema,
  OpenApi: DescriptionSchema,
};

/** Returns the name of a schema; undefined if it has none and is described in place. */
export function findComponent(schema: v.GenericSchema): string | undefined {
  return Object.entries({ ...REQUEST_COMPONENTS, ...ANSWER_COMPONENTS }).find(
    ([, each]) => each === schema,
  )?.[0];
}
