import { useState } from "preact/hooks";

import { Icon } from "../parts/icon.tsx";
import { Note, ProblemNote } from "../parts/notes.tsx";
import { type Problem, toProblem } from "../state/problem.ts";
import { makeClient } from "../state/session.ts";

interface SignInProps {
  /** Why the person must sign in again; empty if they have not been signed in. */
  reason: string;
  /** Called with a token that the Worker accepts. */
  onToken: (token: string) => void;
}

/** Asks for the token, and tries it before the page keeps it. */
export function SignIn({ reason, onToken }: SignInProps) {
  const [token, setToken] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const typed = token.trim();
    if (typed === "") return;
    setBusy(true);
    setProblem(null);
    try {
      await makeClient(typed).sources();
      onToken(typed);
    } catch (error) {
      const failed = toProblem(error);
      setProblem(failed.isUnauthorized ? WRONG_TOKEN : failed);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <p class="brand">
          <Icon name="database" /> Durable Export
        </p>
        <h1>Sign in</h1>
        {reason !== "" && problem === null && <Note tone="warn" icon="lock" title={reason} />}
        {problem !== null && <ProblemNote problem={problem} />}
        <div class="field">
          <label for="token">Token</label>
          <input
            id="token"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            autofocus
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
            aria-describedby="token-help"
          />
          <p id="token-help" class="help">
            <code>EXPORT_READ_TOKEN</code> shows and downloads backups.{" "}
            <code>EXPORT_JOB_TOKEN</code> also starts exports.{" "}
            <code>ADMIN_AUTHORIZATION_TOKEN</code> also restores and deletes.
          </p>
        </div>
        <button type="submit" class="primary wide" disabled={isBusy}>
          {isBusy ? "Checking…" : "Sign in"}
        </button>
        <p class="help">
          This tab keeps the token until you close it. It is sent only to this Worker.
        </p>
      </form>
    </main>
  );
}

const WRONG_TOKEN: Problem = {
  isOffline: false,
  isTemporary: false,
  isUnauthorized: true,
  what: "The Worker does not accept this token.",
  advice: "Copy the whole token, without spaces. Ask the person who deployed the Worker for it.",
};
