import { useState } from "preact/hooks";

import { StateBadge } from "../parts/badges.tsx";
import { Icon } from "../parts/icon.tsx";
import { Empty } from "../parts/notes.tsx";
import { Pager, usePages } from "../parts/pager.tsx";
import { Bytes, Count, Duration, Time } from "../parts/values.tsx";
import { durationOf } from "../state/job-facts.ts";
import { useAbilities, usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { Heading } from "../parts/heading.tsx";
import { StartFleetDialog } from "./start-fleet-dialog.tsx";

/** All fleets, newest first. */
export function FleetList() {
  const { store } = usePage();
  const { fleets } = usePageData();
  const { mayStart } = useAbilities();
  const [isStarting, setStarting] = useState(false);
  const { shown, ...pages } = usePages(fleets.jobs, "");
  return (
    <>
      <Heading
        title="Fleets"
        actions={
          mayStart && (
            <button type="button" onClick={() => setStarting(true)}>
              <Icon name="plus" /> New fleet
            </button>
          )
        }
      />
      {fleets.jobs.length === 0 ? (
        <Empty title="There is no fleet yet.">
          <p>A fleet backs up all objects of a class together.</p>
        </Empty>
      ) : (
        <table class="stacked">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">State</th>
              <th scope="col">Started</th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="number">
                Objects
              </th>
              <th scope="col" class="number">
                Failed
              </th>
              <th scope="col" class="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((fleet) => (
              <tr key={fleet.jobId}>
                <th scope="row">
                  <a href={links.fleet(fleet.jobId)}>{fleet.source}</a>
                </th>
                <td data-label="State">
                  <StateBadge state={fleet.status} />
                  {fleet.error !== null && <code class="code">{fleet.error.code}</code>}
                </td>
                <td data-label="Started">
                  <Time at={fleet.createdAt} />
                </td>
                <td data-label="Took" class="number">
                  <Duration ms={durationOf(fleet)} />
                </td>
                <td data-label="Objects" class="number">
                  {fleet.members.total === null ? "–" : <Count value={fleet.members.total} />}
                </td>
                <td data-label="Failed" class="number">
                  <Count value={fleet.members.failed} />
                </td>
                <td data-label="Size" class="number">
                  <Bytes value={fleet.progress.bytes} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pager {...pages} what="fleets" />
      {fleets.cursor !== null && (
        <p class="center">
          <button type="button" onClick={() => void store.loadOlderFleets()}>
            Load older fleets
          </button>
        </p>
      )}
      {isStarting && <StartFleetDialog onClose={() => setStarting(false)} />}
    </>
  );
}
