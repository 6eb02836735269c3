import { COMPRESSIONS } from "../api/compressions.ts";
import { ExportError } from "../api/errors.ts";
import { FleetManifestSchema } from "../api/fleet-manifest.ts";
import { MemberPageSchema } from "../api/fleet-view.ts";
import { MemberChoiceSchema, MemberQuerySchema } from "../api/member-query.ts";
import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import { unwrap } from "../rpc/outcome.ts";
import { toDownloadName } from "../rpc/readable-key.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";
import { listMembers } from "../storage/packs/list-members.ts";
import {
  type FleetPlaces,
  type LocatedMember,
  locateMember,
  requireCompleted,
} from "../storage/packs/locate-member.ts";
import {
  FILE_ANSWERS,
  FILE_HEADERS,
  getDownload,
  openSignature,
  SIGNATURE_ANSWER,
  SIGNATURE_ERRORS,
} from "./downloads.ts";
import { makeArtifactFile } from "./files/artifact-file.ts";
import { type SentFile, sendFile } from "./files/send-file.ts";
import { FLEET_ID } from "./parameters.ts";
import { route } from "./route.ts";

/** The members of a fleet, their dumps, and the fleet's manifest. */
export const fleetMemberRoutes = [
  route({
    method: "GET",
    path: "/export/fleet/:fleetId/members",
    operationId: "listFleetMembers",
    summary: "List the members of a fleet, by name",
    description:
      "A page looks at most at 5,000 members. So a filtered page may be short, or empty, although others follow: " +
      "continue until `cursor` is null.",
    access: "read",
    params: { fleetId: FLEET_ID },
    query: MemberQuerySchema,
    answers: [{ status: 200, description: "One page", content: MemberPageSchema }],
    errors: [
      "invalid-request",
      "job-not-found",
      "artifact-missing",
      "export-not-finished",
      "export-not-downloadable",
      "export-expired",
      "storage-unavailable",
    ],
    handler: async ({ context, params, query }) => {
      const { prefix, status, limit, cursor } = query;
      const places = openPlaces(context.env);
      const page = await listMembers(places, params.fleetId, { prefix, status, limit, cursor });
      return context.json(page);
    },
  }),

  route({
    method: "GET",
    path: "/export/fleet/:fleetId/download",
    operationId: "downloadFleetMember",
    summary: "Download the dump of one member of a fleet",
    description:
      "Send `name`, or `id` if the fleet names its objects by their ids. The file is a range of a pack, or the artifact " +
      "of the member's own export job.",
    access: "read",
    params: { fleetId: FLEET_ID },
    query: MemberChoiceSchema,
    headers: FILE_HEADERS,
    answers: FILE_ANSWERS,
    errors: [
      "invalid-request",
      "job-not-found",
      "member-not-found",
      "artifact-not-found",
      "artifact-missing",
      "export-not-finished",
      "export-not-downloadable",
      "export-expired",
      "range-not-satisfiable",
      "storage-unavailable",
    ],
    handler: async ({ context, params, query }) => {
      const object = toObject(query);
      const options = { reads: context.req.method === "GET" };
      const places = openPlaces(context.env, options);
      const located = await locateMember(places, params.fleetId, object);
      const file = await openMemberFile(context.env, located, options);
      const { createdAtMs, source, compression, fleetId } = located.fleet;
      const name = toDownloadName(
        { jobId: fleetId, source, object, createdAtMs },
        `.sql${COMPRESSIONS[compression].suffix}`,
      );
      return sendFile(context, { ...file, name });
    },
  }),

  route({
    method: "GET",
    path: "/export/fleet/:fleetId/manifest",
    operationId: "getFleetManifest",
    summary: "Read a fleet's manifest: packs, exports, failures and SHA-256s",
    access: "read",
    params: { fleetId: FLEET_ID },
    answers: [{ status: 200, description: "The manifest", content: FleetManifestSchema }],
    errors: [
      "job-not-found",
      "artifact-missing",
      "export-not-finished",
      "export-not-downloadable",
      "export-expired",
      "storage-unavailable",
    ],
    handler: async ({ context, params }) => {
      const { store, fleetInfo } = openPlaces(context.env);
      const fleet = unwrap(await fleetInfo(params.fleetId));
      requireCompleted(fleet);
      const body = await store.read(fleet.manifestKey);
      if (body === undefined) {
        throw new ExportError("artifact-missing", "the manifest is not in the store");
      }
      return context.body(body, 200, { "content-type": "application/json" });
    },
  }),

  route({
    method: "GET",
    path: "/export/fleet/:fleetId/manifest.sig",
    operationId: "getFleetManifestSignature",
    summary: "Read the signature of a fleet's manifest",
    description: "As for an export: 64 bytes over the bytes of the manifest.",
    access: "read",
    params: { fleetId: FLEET_ID },
    answers: [SIGNATURE_ANSWER],
    errors: SIGNATURE_ERRORS,
    handler: async ({ context, params }) => {
      const { store, fleetInfo } = openPlaces(context.env);
      const fleet = unwrap(await fleetInfo(params.fleetId));
      requireCompleted(fleet);
      const body = await openSignature(fleet.signatureKey, store);
      return context.body(body, 200, { "content-type": "application/octet-stream" });
    },
  }),
];

/** With `reads`, the fleet's files stay for the time of a download. */
function openPlaces(env: ExportEnv, options = { reads: false }): FleetPlaces {
  const jobs = getExportJobs(env);
  return {
    store: openArtifactStore(env),
    fleetInfo: (fleetId) => jobs.fleetInfo(fleetId, options),
    memberRecords: (fleetId, range) => jobs.memberRecords(fleetId, range),
  };
}

/** Errors: `invalid-request` unless the query has exactly one of `name` and `id`. */
function toObject({
  name,
  id,
}: {
  name?: string | undefined;
  id?: string | undefined;
}): { name: string } | { id: string } {
  if (name !== undefined && id === undefined) return { name };
  if (id !== undefined && name === undefined) return { id };
  const message = "send either `name` or `id`";
  throw new ExportError("invalid-request", `the query: name: ${message}`, {
    details: { issues: [{ path: "name", message }] },
  });
}

/** Errors: as `getDownload` for the job of a large member. */
async function openMemberFile(
  env: ExportEnv,
  located: LocatedMember,
  options: { reads: boolean },
): Promise<SentFile> {
  const store = openArtifactStore(env);
  if (located.kind === "packed") {
    const { pack, member, fleet } = located;
    const { contentType } = COMPRESSIONS[fleet.compression];
    return makeArtifactFile(
      fleet,
      {
        name: "the member's file",
        contentType: contentType ?? "application/sql",
        objectKey: pack.key,
        offset: member.offset,
        bytes: member.bytes,
        sha256: member.sha256,
      },
      store,
    );
  }
  const info = await getDownload(env, located.jobId, options);
  const [artifact] = info.artifacts;
  if (artifact === undefined) {
    throw new ExportError("artifact-not-found", `job ${located.jobId} has no artifact`);
  }
  return makeArtifactFile(info, artifact, store);
}
