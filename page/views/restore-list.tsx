import type { RestoreView } from "../../src/api/restore-view.ts";
import { StateBadge } from "../parts/badges.tsx";
import { Empty } from "../parts/notes.tsx";
import { Pager, usePages } from "../parts/pager.tsx";
import { CopiedText, Count, Duration, Time } from "../parts/values.tsx";
import { labelOf } from "../state/databases.ts";
import { durationOf } from "../state/job-facts.ts";
import { usePage, usePageData } from "../state/page-context.ts";
import { links } from "../state/route.ts";
import { Heading } from "../parts/heading.tsx";

/** All restores, newest first. */
export function RestoreList() {
  const { store } = usePage();
  const { restores } = usePageData();
  const { shown, ...pages } = usePages(restores.jobs, "");
  return (
    <>
      <Heading title="Restores" />
      {restores.jobs.length === 0 ? (
        <Empty title="There is no restore yet.">
          <p>
            Open a completed export and press Restore, or use{" "}
            <code>npx durable-export restore</code> for a file of yours.
          </p>
        </Empty>
      ) : (
        <table class="stacked">
          <thead>
            <tr>
              <th scope="col">Into</th>
              <th scope="col">State</th>
              <th scope="col">Verified</th>
              <th scope="col">Started</th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="number">
                Rows
              </th>
              <th scope="col" class="wide-only">
                Id
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((restore) => (
              <tr key={restore.jobId}>
                <th scope="row">
                  <a href={links.restore(restore.jobId)}>
                    {labelOf(restore.target, restore.object)}
                  </a>
                </th>
                <td data-label="State">
                  <StateBadge state={restore.status} />
                  {restore.error !== null && <code class="code">{restore.error.code}</code>}
                </td>
                <td data-label="Verified">{describeVerification(restore)}</td>
                <td data-label="Started">
                  <Time at={restore.createdAt} />
                </td>
                <td data-label="Took" class="number">
                  <Duration ms={durationOf(restore)} />
                </td>
                <td data-label="Rows" class="number">
                  <Count value={restore.progress.rows} />
                </td>
                <td class="wide-only">
                  <CopiedText text={restore.jobId} what="id" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pager {...pages} what="restores" />
      {restores.cursor !== null && (
        <p class="center">
          <button type="button" onClick={() => void store.loadOlderRestores()}>
            Load older restores
          </button>
        </p>
      )}
    </>
  );
}

/** Returns what the comparison with the dump has shown. */
export function describeVerification({ verification }: RestoreView): string {
  const { state, method } = verification;
  if (state === "equal")
    return method === "digest" ? "every byte is equal" : "row counts are equal";
  if (state === "differs") return "differs from the backup";
  return state === "skipped" ? "not verified" : state;
}
