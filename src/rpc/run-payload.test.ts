import { expect, test } from "vitest";

import { parseRunPayload, type RunPayload } from "./run-payload.ts";

const EXPORT: RunPayload = { kind: "export", jobId: "job", run: 2 };
const ENDING: RunPayload = { kind: "ending", jobId: "job", run: 2, callbackFrom: 3 };
const STREAM_ENDING: RunPayload = { kind: "stream-ending", streamId: "stream" };

test.each([EXPORT, ENDING, STREAM_ENDING])(
  "returns a payload of kind $kind as it is",
  (payload) => {
    expect(parseRunPayload(payload)).toEqual(payload);
  },
);

test.each([
  [{ jobId: "job", run: 2 }, EXPORT],
  [{ jobId: "job", run: 2, callbackFrom: 3 }, ENDING],
  [{ streamId: "stream" }, STREAM_ENDING],
])("recognizes the payload %j of the version before", (former, payload) => {
  expect(parseRunPayload(former)).toEqual(payload);
});

test.each([EXPORT, ENDING, STREAM_ENDING])(
  "a payload of kind $kind has the fields that the version before reads",
  ({ kind: _kind, ...former }) => {
    expect(parseRunPayload(former)).toEqual({ kind: _kind, ...former });
  },
);

test.each([
  null,
  {},
  { jobId: "job" },
  { jobId: "job", run: "2" },
  { kind: "flock", jobId: "job", run: 2 },
  { kind: "ending", jobId: "job", run: 2 },
  { jobId: "job", run: 2, streamId: "stream" },
])("refuses the unknown payload %j and quotes it", (value) => {
  expect(() => parseRunPayload(value)).toThrow(
    expect.objectContaining({
      code: "internal-error",
      message: expect.stringContaining(JSON.stringify(value)),
    }),
  );
});
