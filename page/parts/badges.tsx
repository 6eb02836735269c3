import type { JobState } from "../../src/api/job-state.ts";
import type { Proof } from "../../src/api/proof.ts";
import type { TokenAccess } from "../../src/api/token-access.ts";
import type { Health } from "../state/databases.ts";
import { Icon, type IconName } from "./icon.tsx";

/** A color's role. */
type Tone = "ok" | "warn" | "bad" | "info" | "plain";

const STATES: Record<JobState, [Tone, IconName, string]> = {
  queued: ["info", "clock", "Queued"],
  running: ["info", "running", "Running"],
  completed: ["ok", "check", "Completed"],
  failed: ["bad", "cross", "Failed"],
  cancelled: ["plain", "stop", "Cancelled"],
  expired: ["plain", "expired", "Expired"],
};

const HEALTHS: Record<Health, [Tone, IconName, string]> = {
  unusable: ["bad", "cross", "Cannot be exported"],
  missing: ["bad", "cross", "No backup"],
  failing: ["bad", "warning", "Newest export failed"],
  late: ["warn", "clock", "Late"],
  waiting: ["info", "running", "First export runs"],
  ok: ["ok", "check", "Backed up"],
  target: ["plain", "target", "Restore target"],
};

const ACCESSES: Record<TokenAccess, string> = {
  read: "Read only",
  job: "Exports only",
  full: "Full access",
};

function Badge({ tone, icon, text }: { tone: Tone; icon: IconName; text: string }) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {text}
    </span>
  );
}

export function StateBadge({ state }: { state: JobState }) {
  const [tone, icon, text] = STATES[state];
  return <Badge tone={tone} icon={icon} text={text} />;
}

export function HealthBadge({ health }: { health: Health }) {
  const [tone, icon, text] = HEALTHS[health];
  return <Badge tone={tone} icon={icon} text={text} />;
}

export function AccessBadge({ access }: { access: TokenAccess }) {
  return <Badge tone="plain" icon="lock" text={ACCESSES[access]} />;
}

const PROOFS: Record<Exclude<Proof["state"], "none">, [Tone, IconName, string]> = {
  running: ["info", "running", "Being proved"],
  proved: ["ok", "proof", "Proved"],
  failed: ["bad", "warning", "Proof failed"],
};

/** Whether a backup has restored itself; nothing if it was not asked to. */
export function ProofBadge({ proof: { state } }: { proof: Proof }) {
  if (state === "none") return null;
  const [tone, icon, text] = PROOFS[state];
  return <Badge tone={tone} icon={icon} text={text} />;
}
