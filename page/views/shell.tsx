import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { AccessBadge } from "../parts/badges.tsx";
import { Icon } from "../parts/icon.tsx";
import { Note } from "../parts/notes.tsx";
import { Time } from "../parts/values.tsx";
import { useAbilities, usePage, usePageData } from "../state/page-context.ts";
import { links, type Route } from "../state/route.ts";
import { StartExportDialog } from "./start-export-dialog.tsx";

interface ShellProps {
  route: Route;
  onSignOut: () => void;
  children: ComponentChildren;
}

const SCREENS = [
  { name: "Overview", href: links.overview, screens: ["overview", "database"] },
  { name: "Exports", href: links.exports, screens: ["exports", "export"] },
  { name: "Restores", href: links.restores, screens: ["restores", "restore"] },
];

/** Only a deployment that has sources of several objects needs it. */
const FLEETS = { name: "Fleets", href: links.fleets, screens: ["fleets", "fleet"] };

/** What surrounds each screen: navigation, access, and how current everything is. */
export function Shell({ route, onSignOut, children }: ShellProps) {
  const { sources, fleets } = usePageData();
  const { mayStart } = useAbilities();
  const [isStarting, setStarting] = useState(false);
  const hasFleets =
    fleets.jobs.length > 0 || sources?.sources.some(({ objects }) => objects !== "one") === true;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => focusMain(event)}>
        Skip to the content
      </a>
      <header class="top">
        <div class="inner">
          <a class="brand" href={links.overview}>
            <Icon name="database" /> <span>Durable Export</span>
          </a>
          <nav aria-label="Screens">
            {[...SCREENS, ...(hasFleets ? [FLEETS] : [])].map(({ name, href, screens }) => (
              <a
                key={href}
                href={href}
                aria-current={screens.includes(route.screen) ? "page" : undefined}
              >
                {name}
              </a>
            ))}
          </nav>
          <div class="actions">
            {sources !== null && <AccessBadge access={sources.access} />}
            {mayStart && (
              <button type="button" class="primary" onClick={() => setStarting(true)}>
                <Icon name="plus" /> New export
              </button>
            )}
            <button type="button" class="quiet" onClick={onSignOut}>
              Sign out
            </button>
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Freshness />
        {children}
      </main>
      <Footer />
      {isStarting && <StartExportDialog onClose={() => setStarting(false)} />}
    </>
  );
}

/** The address's fragment names the screen, so the link must not change it. */
function focusMain(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main")?.focus();
}

/** Reports that what is shown is old, and why. */
function Freshness() {
  const { store } = usePage();
  const { problem, checkedAtMs } = usePageData();
  if (problem === null || checkedAtMs === null) return null;
  return (
    <Note
      tone="warn"
      icon={problem.isOffline ? "offline" : "warning"}
      title={problem.what}
      role="status"
    >
      <p>
        {problem.advice} What you see was read <Time at={new Date(checkedAtMs).toISOString()} />.
      </p>
      <button type="button" onClick={() => void store.refresh()}>
        Try now
      </button>
    </Note>
  );
}

function Footer() {
  const { sources, checkedAtMs } = usePageData();
  if (sources === null) return null;
  const { version, storage, inline } = sources;
  return (
    <footer>
      <p>
        Durable Export {version}. Files are kept in{" "}
        {inline === null ? `the bucket (${storage.toUpperCase()})` : "the jobs database"}.
        {checkedAtMs !== null && (
          <>
            {" "}
            Read <Time at={new Date(checkedAtMs).toISOString()} />.
          </>
        )}
      </p>
    </footer>
  );
}
