import { useState } from "preact/hooks";

import { COMPRESSION_NAMES } from "../../src/api/compressions.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Choice, TextField } from "../parts/fields.tsx";
import { usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { splitNames } from "../state/split-names.ts";

/** Starts a fleet: a backup of all objects of a class, or of some. */
export function StartFleetDialog({ onClose }: { onClose: () => void }) {
  const { store, announce } = usePage();
  const sources = (usePageData().sources?.sources ?? []).filter(({ objects }) => objects !== "one");
  const [source, setSource] = useState(sources[0]?.name ?? "");
  const [compression, setCompression] = useState<string>("gzip");
  const [listed, setListed] = useState("");
  if (sources.length === 0) {
    return (
      <Dialog
        title="New fleet"
        action="Close"
        onClose={onClose}
        onConfirm={() => Promise.resolve(onClose())}
      >
        <p>
          No source has several objects. Configure one in <code>EXPORT_SOURCES</code> with{" "}
          <code>names</code>.
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      title="New fleet"
      action="Start fleet"
      onClose={onClose}
      onConfirm={async () => {
        const names = splitNames(listed);
        const fleet = await store.client.startFleet({
          source,
          compression: COMPRESSION_NAMES.find((name) => name === compression) ?? "gzip",
          ...(names.length === 0 ? {} : { names }),
        });
        store.putFleet(fleet);
        announce(`The fleet of ${source} has started.`);
        onClose();
        location.hash = links.fleet(fleet.fleetId);
      }}
    >
      <Choice
        label="Objects of"
        value={source}
        onChange={setSource}
        options={sources.map(({ name }) => ({ value: name, text: name }))}
      />
      <Choice
        label="Compression"
        value={compression}
        onChange={setCompression}
        options={COMPRESSION_NAMES.map((value) => ({ value, text: value }))}
      />
      <TextField
        label="Only these objects"
        value={listed}
        onInput={setListed}
        help="Names separated by commas. Empty: the names that EXPORT_SOURCES configures."
      />
    </Dialog>
  );
}
