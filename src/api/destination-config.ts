import * as v from "valibot";

import { DestinationNameSchema, DESTINATIONS_MAX } from "./copies.ts";

/** The most characters of a prefix, so that a readable key fits into the 1,024 bytes of an S3 key. */
const PREFIX_CHARS_MAX = 200;

/** What every key of a destination starts with. */
const Prefix = v.pipe(
  v.string(),
  v.maxLength(PREFIX_CHARS_MAX),
  v.regex(
    /^(?:[\w.=-]+\/)*[\w.=-]*$/,
    "expected letters, digits, `_`, `-`, `.` and `=`, with single `/` between folders",
  ),
  v.check(
    (prefix) => !prefix.split("/").some((folder) => folder === "." || folder === ".."),
    "expected no `.` or `..` folder",
  ),
);

const COMMON = {
  /** Put directly before each key: end it with `/` for a folder. */
  prefix: v.optional(Prefix, ""),
  /** True if a copy is deleted with its job. By default copies are kept. */
  prune: v.optional(v.boolean(), false),
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and older buckets. */
const BUCKET_NAME = /^(?=.{3,63}$)[a-z0-9][a-z0-9._-]*[a-z0-9]$/i;

const S3DestinationSchema = v.pipe(
  v.strictObject({
    type: v.literal("s3"),
    endpoint: v.pipe(
      v.string(),
      v.check(
        isEndpoint,
        "expected the https URL of an S3 service, such as https://s3.eu-central-1.amazonaws.com, without the bucket",
      ),
    ),
    region: v.pipe(
      v.string(),
      v.regex(/^[a-z0-9-]{1,64}$/i, "expected a region, such as eu-central-1, or auto for R2"),
    ),
    bucket: v.pipe(v.string(), v.regex(BUCKET_NAME, "expected the name of a bucket")),
    /** False for `https://bucket.host/key`; true for `https://host/bucket/key`. */
    pathStyle: v.optional(v.boolean(), false),
    /** The beginning of the names of its secrets. */
    credentials: v.pipe(
      v.string(),
      v.regex(
        /^[A-Z][A-Z0-9_]{0,63}$/,
        "expected the beginning of the secrets' names, such as OFFSITE for OFFSITE_ACCESS_KEY_ID",
      ),
    ),
    ...COMMON,
  }),
  v.check(
    ({ endpoint, pathStyle }) => pathStyle || !isAddressUrl(endpoint),
    "expected `pathStyle: true`, because no bucket name can precede an IP address",
  ),
  v.check(
    ({ bucket, pathStyle }) => pathStyle || /^[a-z0-9-]+$/.test(bucket),
    "expected `pathStyle: true`, because a certificate does not cover this bucket's name before the host",
  ),
);

const R2DestinationSchema = v.strictObject({
  type: v.literal("r2"),
  binding: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z_$][\w$]{0,99}$/, "expected the name of a binding"),
    v.notValue("EXPORT_R2_BUCKET", "expected another bucket than that of the exports"),
  ),
  ...COMMON,
});

/** `EXPORT_DESTINATIONS`: where copies of an export may go, by the names that `copyTo` uses. */
export const DestinationsSchema = v.pipe(
  v.record(DestinationNameSchema, v.variant("type", [S3DestinationSchema, R2DestinationSchema])),
  v.check(
    (destinations) => Object.keys(destinations).length <= DESTINATIONS_MAX,
    `expected at most ${DESTINATIONS_MAX} destinations`,
  ),
);

/** A destination as it is configured, with its defaults. */
export type DestinationConfig = v.InferOutput<typeof DestinationsSchema>[string];

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function isAddressUrl(text: string): boolean {
  const host = URL.parse(text)?.hostname ?? "";
  return host.startsWith("[") || /^\d+(?:\.\d+){3}$/.test(host);
}
