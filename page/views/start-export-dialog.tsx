import { useState } from "preact/hooks";

import { COMPRESSION_NAMES } from "../../src/api/compressions.ts";
import type { ExportRequestInput } from "../../src/api/export-request.ts";
import { FORMAT_NAMES, FORMATS } from "../../src/api/formats.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Choice, TextField } from "../parts/fields.tsx";
import { labelOf } from "../state/databases.ts";
import { usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { splitNames } from "../state/split-names.ts";

interface StartProps {
  /** What the dialog suggests. */
  source?: string;
  object?: JobView["object"];
  format?: JobView["format"];
  compression?: JobView["compression"];
  onClose: () => void;
}

/** Starts an export. Everything but the database has a good default. */
export function StartExportDialog({
  source: suggested,
  object = null,
  format: suggestedFormat,
  compression: suggestedCompression,
  onClose,
}: StartProps) {
  const { store, announce } = usePage();
  const sources = usePageData().sources?.sources ?? [];
  const [source, setSource] = useState(suggested ?? sources[0]?.name ?? "");
  const [objectName, setObjectName] = useState(
    object !== null && "name" in object ? object.name : "",
  );
  const [format, setFormat] = useState(
    FORMAT_NAMES.find((name) => name === suggestedFormat) ?? "sql",
  );
  const [compression, setCompression] = useState(
    COMPRESSION_NAMES.find((name) => name === suggestedCompression) ?? "gzip",
  );
  const [consistency, setConsistency] = useState("");
  const [content, setContent] = useState("all");
  const [included, setIncluded] = useState("");
  const [excluded, setExcluded] = useState("");
  const [days, setDays] = useState("");
  const [isProved, setProved] = useState(false);
  const config = sources.find(({ name }) => name === source);
  const hasObjects = config !== undefined && config.objects !== "one";
  const canProve =
    FORMATS[format].isSqlScript &&
    content !== "data" &&
    config?.verify.available.includes("restore") === true;
  const chosenId =
    object !== null && "id" in object && source === suggested ? object.id : undefined;

  const makeRequest = (): ExportRequestInput => {
    const include = splitNames(included);
    const exclude = splitNames(excluded);
    return {
      source,
      format,
      compression,
      ...(hasObjects && objectName !== "" ? { name: objectName } : {}),
      ...(objectName === "" && chosenId !== undefined ? { id: chosenId } : {}),
      ...(consistency === "" ? {} : { consistency: consistency as "snapshot" | "live" }),
      ...(canProve && isProved ? { verify: "restore" as const } : {}),
      ...(content === "all" ? {} : { content: content as "schema" | "data" }),
      ...(days === "" ? {} : { retentionHours: Math.round(Number(days) * 24) }),
      ...(include.length + exclude.length === 0
        ? {}
        : {
            tables: {
              ...(include.length === 0 ? {} : { include }),
              ...(exclude.length === 0 ? {} : { exclude }),
            },
          }),
    };
  };
  return (
    <Dialog
      title="New export"
      action="Start export"
      isReady={source !== ""}
      onClose={onClose}
      onConfirm={async () => {
        const job = await store.client.start(makeRequest());
        store.putExport(job);
        announce(`The export of ${labelOf(job.source, job.object)} has started.`);
        onClose();
        location.hash = links.export(job.jobId);
      }}
    >
      <Choice
        label="Database"
        value={source}
        onChange={setSource}
        options={sources.map(({ name, problem }) => ({
          value: name,
          text: problem === null ? name : `${name} (cannot be exported)`,
        }))}
      />
      {hasObjects && (
        <TextField
          label="Object"
          value={objectName}
          onInput={setObjectName}
          help={
            chosenId === undefined
              ? "The name of the Durable Object, such as a tenant's."
              : `Empty: the object with the id ${chosenId.slice(0, 8)}….`
          }
        />
      )}
      <div class="columns">
        <Choice
          label="Format"
          value={format}
          onChange={(value) => setFormat(value as typeof format)}
          options={FORMAT_NAMES.map((value) => ({
            value,
            text: FORMATS[value].isSqlScript ? `${value} (can be restored)` : value,
          }))}
        />
        <Choice
          label="Compression"
          value={compression}
          onChange={(value) => setCompression(value as typeof compression)}
          options={COMPRESSION_NAMES.map((value) => ({ value, text: value }))}
        />
      </div>
      {canProve && (
        <label class="radio">
          <input
            type="checkbox"
            checked={isProved}
            onChange={(event) => setProved(event.currentTarget.checked)}
          />
          <span>
            <strong>Prove it.</strong> Restore the dump into a scratch database, and compare. Each
            million rows costs about $1.
          </span>
        </label>
      )}
      <details>
        <summary>More options</summary>
        <div class="columns">
          <Choice
            label="Consistency"
            value={consistency}
            onChange={setConsistency}
            options={[
              { value: "", text: `default (${config?.consistency.default ?? "snapshot"})` },
              ...(config?.consistency.available ?? []).map((value) => ({ value, text: value })),
            ]}
          />
          <Choice
            label="Content"
            value={content}
            onChange={setContent}
            options={[
              { value: "all", text: "schema and rows" },
              ...(FORMATS[format].hasSchema ? [{ value: "schema", text: "only the schema" }] : []),
              { value: "data", text: "only the rows" },
            ]}
          />
        </div>
        <TextField
          label="Only these tables"
          value={included}
          onInput={setIncluded}
          help="Names separated by commas; * stands for any characters. Empty: all tables."
        />
        <TextField label="Without these tables" value={excluded} onInput={setExcluded} />
        <TextField
          label="Days until the files are deleted"
          value={days}
          onInput={setDays}
          inputMode="numeric"
          help="Empty: as EXPORT_RETENTION_HOURS sets it."
        />
      </details>
    </Dialog>
  );
}
