import { describe, expect, test } from "vitest";

import { MIB, PART_BYTES_MIN, PARTS_MAX } from "../../src/api/limits.ts";
import { uploadsContract } from "../contract/uploads.ts";
import { api, sha256Of } from "../support/api.ts";
import {
  completed,
  putPart,
  refusal,
  scriptBytes,
  startUpload,
  storedAs,
  storePart,
} from "../support/uploads.ts";
import { inJobs } from "../support/writing-job.ts";

uploadsContract("the jobs' database");

test("a file of 10,000 parts is completed and read back", async () => {
  const { fileId } = await startUpload();
  const { uploadId } = await storedAs(fileId);
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PARTS_MAX})`;
  await inJobs("UPDATE tmp_export_files SET part_bytes = 2 WHERE file_id = ?", fileId);
  await inJobs(
    `INSERT INTO tmp_export_file_parts ${numbers} SELECT ?, i, 1, 'etag ' || i, 2 FROM n`,
    fileId,
  );
  await inJobs(
    `INSERT INTO tmp_export_job_parts ${numbers} SELECT ?, ?, i, 'etag ' || i, 2 FROM n`,
    fileId,
    uploadId,
  );
  await inJobs(
    `INSERT INTO tmp_export_job_blobs ${numbers}
     SELECT ?, 'object', ?, 64 * (i - 1), CAST('ab' AS BLOB) FROM n`,
    fileId,
    uploadId,
  );
  expect(await completed(fileId, { parts: PARTS_MAX })).toMatchObject({
    status: "completed",
    parts: PARTS_MAX,
    bytes: 2 * PARTS_MAX,
    sha256: await sha256Of(new TextEncoder().encode("ab".repeat(PARTS_MAX))),
  });
});

describe("if the jobs' database has no space", () => {
  test("an upload that announces its size is refused at the start", async () => {
    const body = JSON.stringify({ name: "large.sql", bytes: 64 * MIB });
    const started = api("/import/files", { method: "POST", body });
    expect(await refusal(started)).toMatchObject({ status: 507, code: "inline-storage-full" });
  });

  test("a part is refused, and what is stored stays", async () => {
    const { fileId } = await startUpload();
    const bytes = scriptBytes(PART_BYTES_MIN);
    let number = 0;
    let response: Response;
    do {
      number += 1;
      response = await putPart(fileId, number, bytes);
    } while (response.ok && number < 10);
    expect(await refusal(response)).toMatchObject({ status: 507, code: "inline-storage-full" });
    const last = await storePart(fileId, number, scriptBytes(10));
    expect(last).toMatchObject({ bytes: 10 });
    expect(await completed(fileId, { parts: number })).toMatchObject({ parts: number });
  });
});
