import { useEffect, useState } from "preact/hooks";

import { findCompression } from "../../src/api/compressions.ts";
import {
  type FleetView,
  MEMBER_STATES,
  type MemberState,
  type MemberView,
} from "../../src/api/fleet-view.ts";
import { Icon } from "../parts/icon.tsx";
import { Empty, ProblemNote, Skeleton } from "../parts/notes.tsx";
import { Bytes, Count, Time } from "../parts/values.tsx";
import { usePage } from "../state/page-context.ts";
import { isAbort, type Problem, toProblem } from "../state/problem.ts";
import { links } from "../state/route.ts";
import { saveFile } from "../state/save-file.ts";

/** How many members a search shows at first, and how many more a click loads. */
const MEMBERS_SHOWN = 50;

/** How long the search waits for the next letter. */
const TYPING_MS = 250;

interface Found {
  members: readonly MemberView[];
  /** Leads to more; null if there are none. */
  cursor: string | null;
}

/** A search in the members of a fleet that has ended, with their dumps. */
export function FleetMembers({ fleet }: { fleet: FleetView }) {
  const { store } = usePage();
  const [prefix, setPrefix] = useState("");
  const [status, setStatus] = useState("");
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { fleetId } = fleet;
  const search = async (cursor: string | null, signal?: AbortSignal): Promise<Found> => {
    const wanted = MEMBER_STATES.find((state) => state === status);
    const members: MemberView[] = [];
    let next = cursor;
    // A page of a filtered list may have no members although others follow.
    do {
      const page = await store.client.listMembers(fleetId, {
        prefix,
        limit: MEMBERS_SHOWN,
        ...(wanted === undefined ? {} : { status: wanted }),
        ...(next === null ? {} : { cursor: next }),
        ...(signal === undefined ? {} : { signal }),
      });
      members.push(...page.members);
      next = page.cursor;
    } while (next !== null && members.length === 0);
    return { members, cursor: next };
  };
  const report = (error: unknown): void => {
    if (!isAbort(error)) setProblem(toProblem(error));
  };
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      search(null, abort.signal).then((first) => {
        setFound(first);
        setProblem(null);
      }, report);
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [fleetId, prefix, status]);
  const loadMore = async ({ members, cursor }: Found): Promise<void> => {
    try {
      const more = await search(cursor);
      setFound({ members: [...members, ...more.members], cursor: more.cursor });
    } catch (error) {
      report(error);
    }
  };
  return (
    <section aria-labelledby="members">
      <h2 id="members">Objects</h2>
      <div class="filters">
        <label>
          {fleet.namedBy === "id" ? "Id begins with" : "Name begins with"}
          <input
            type="search"
            value={prefix}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setPrefix(event.currentTarget.value)}
          />
        </label>
        <label>
          State
          <select value={status} onChange={(event) => setStatus(event.currentTarget.value)}>
            <option value="">All</option>
            {MEMBER_STATES.map((state) => (
              <option key={state} value={state}>
                {state}
              </option>
            ))}
          </select>
        </label>
      </div>
      {problem !== null && <ProblemNote problem={problem} />}
      {found === null ? (
        problem === null && <Skeleton lines={3} />
      ) : found.members.length === 0 ? (
        <Empty title="No object of this fleet matches." />
      ) : (
        <MemberTable fleet={fleet} members={found.members} onProblem={setProblem} />
      )}
      {found !== null && found.cursor !== null && (
        <p class="center">
          <button type="button" onClick={() => void loadMore(found)}>
            Show more objects
          </button>
        </p>
      )}
    </section>
  );
}

interface TableProps {
  fleet: FleetView;
  members: readonly MemberView[];
  onProblem: (problem: Problem | null) => void;
}

function MemberTable({ fleet, members, onProblem }: TableProps) {
  return (
    <table class="stacked">
      <thead>
        <tr>
          <th scope="col">Object</th>
          <th scope="col">State</th>
          <th scope="col">Taken</th>
          <th scope="col" class="number">
            Rows
          </th>
          <th scope="col" class="number">
            Size
          </th>
          <th scope="col">
            <span class="hidden">Download</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {members.map((member) => (
          <tr key={member.member}>
            <th scope="row" class="name">
              {member.member}
            </th>
            <td data-label="State">
              {member.status === "exported" && member.jobId !== null ? (
                <>
                  Backed up by <a href={links.export(member.jobId)}>its own export</a>
                </>
              ) : (
                STATES[member.status]
              )}
              {member.error !== null && (
                <code class="code" title={member.error.message}>
                  {member.error.code}
                </code>
              )}
            </td>
            <td data-label="Taken">
              <Time at={member.snapshotAt} />
            </td>
            <td data-label="Rows" class="number">
              {member.rows === null ? "–" : <Count value={member.rows} />}
            </td>
            <td data-label="Size" class="number">
              {member.bytes === null ? "–" : <Bytes value={member.bytes} />}
            </td>
            <td class="actions end">
              {(member.status === "packed" || member.status === "exported") && (
                <Download fleet={fleet} member={member} onProblem={onProblem} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const STATES: Record<MemberState, string> = {
  pending: "Not backed up yet",
  packed: "Backed up",
  exported: "Backed up by its own export",
  empty: "Has no tables",
  failed: "Failed",
};

function Download({
  fleet,
  member,
  onProblem,
}: {
  fleet: FleetView;
  member: MemberView;
  onProblem: TableProps["onProblem"];
}) {
  const { store, announce } = usePage();
  const [isBusy, setBusy] = useState(false);
  const { fleetId, namedBy, compression, source, createdAt } = fleet;
  const { member: name } = member;
  const save = async (): Promise<void> => {
    const suffix = findCompression(compression)?.suffix ?? "";
    const stamp = (member.snapshotAt ?? createdAt).replaceAll(/[-:]|\.\d+/g, "");
    const file = `${`${source}-${name}`.replaceAll(/[^\w.-]+/g, "-").slice(0, 100)}-${stamp}.sql${suffix}`;
    setBusy(true);
    onProblem(null);
    try {
      const chosen = namedBy === "id" ? { id: name } : { name };
      await saveFile(() => store.client.downloadMember(fleetId, chosen), {
        name: file,
        bytes: member.bytes ?? 0,
        onProgress: () => {},
      });
      announce(`Downloaded ${file}.`);
    } catch (error) {
      if (!isAbort(error)) onProblem(toProblem(error));
    }
    setBusy(false);
  };
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Download ${name}`}
      disabled={isBusy}
      onClick={() => void save()}
    >
      <Icon name="download" /> Download
    </button>
  );
}
