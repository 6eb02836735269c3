import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { Page } from "./state/page-context.ts";
import { useRoute } from "./state/use-route.ts";
import { forgetToken, keepToken, makeClient, readToken } from "./state/session.ts";
import { Store } from "./state/store.ts";
import { Screen } from "./views/screen.tsx";
import { Shell } from "./views/shell.tsx";
import { SignIn } from "./views/sign-in.tsx";

/** The whole page: a form for the token, or the screens that it opens. */
export function App() {
  const [token, setToken] = useState(readToken);
  const [reason, setReason] = useState("");
  if (token === null) {
    return (
      <SignIn
        reason={reason}
        onToken={(accepted) => {
          keepToken(accepted);
          setReason("");
          setToken(accepted);
        }}
      />
    );
  }
  return (
    <SignedIn
      key={token}
      token={token}
      onSignOut={(why) => {
        forgetToken();
        setReason(why);
        setToken(null);
      }}
    />
  );
}

interface SignedInProps {
  token: string;
  /** `why` is shown in the form for the token; empty if the person signed out. */
  onSignOut: (why: string) => void;
}

function SignedIn({ token, onSignOut }: SignedInProps) {
  const store = useMemo(() => new Store(makeClient(token)), [token]);
  const [said, setSaid] = useState("");
  const clearing = useRef<ReturnType<typeof setTimeout>>(undefined);
  const route = useRoute();
  const announce = useCallback((text: string) => {
    setSaid(text);
    clearTimeout(clearing.current);
    clearing.current = setTimeout(() => setSaid(""), 6_000);
  }, []);
  useEffect(() => {
    const end = store.subscribe(() => {
      if (store.data.problem?.isUnauthorized === true) {
        onSignOut(
          "The Worker no longer accepts this token. It was replaced, or it is not for this Worker.",
        );
      }
    });
    store.start();
    return () => {
      end();
      store.stop();
    };
  }, [store]);
  const context = useMemo(() => ({ store, announce }), [store, announce]);
  return (
    <Page.Provider value={context}>
      <Shell route={route} onSignOut={() => onSignOut("")}>
        <Screen route={route} />
      </Shell>
      <p class={`toast ${said === "" ? "" : "shown"}`} role="status">
        {said}
      </p>
    </Page.Provider>
  );
}
