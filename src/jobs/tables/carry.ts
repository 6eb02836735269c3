/** The bytes that a job has produced and not stored, in pieces of at most 1 MiB. */
export function loadCarry(sql: SqlStorage, jobId: string): Uint8Array[] {
  return sql
    .exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM tmp_export_job_blobs WHERE job_id = ? AND kind = 'carry' ORDER BY number",
      jobId,
    )
    .toArray()
    .map((row) => new Uint8Array(row.bytes));
}

/** Keeps a job's carry in place of the last one. */
export function saveCarry(sql: SqlStorage, jobId: string, carry: readonly Uint8Array[]): void {
  dropCarry(sql, jobId);
  for (const [number, bytes] of carry.entries()) {
    sql.exec(
      "INSERT INTO tmp_export_job_blobs (job_id, kind, upload_id, number, bytes) VALUES (?, 'carry', '', ?, ?)",
      jobId,
      number,
      // A view would be kept with the whole of its buffer.
      bytes.slice().buffer,
    );
  }
}

export function dropCarry(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ? AND kind = 'carry'", jobId);
}
