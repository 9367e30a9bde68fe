import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api/client";
import { Problem } from "./components/basics";

/** Asks for the collector's API token and gives it to the collector, which answers with a cookie. */
export function SignIn({ onDone, problem }: { onDone: () => void; problem: Error | undefined }) {
  const [error, setError] = useState<Error | undefined>(problem);
  const [busy, setBusy] = useState(false);
  const [ways, setWays] = useState({ oidc: false });
  useEffect(() => {
    get<{ oidc: boolean }>("/v1/login").then(setWays, () => undefined);
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    try {
      await post("/v1/session", { token: String(new FormData(form).get("token")).trim() });
      onDone();
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>Keeptrusts</h1>
        {ways.oidc ? (
          <p>
            <a class="button primary" href={`/login?to=${encodeURIComponent(location.pathname + location.search)}`}>
              Sign in with single sign-on
            </a>
          </p>
        ) : null}
        <p>
          Run <code>kt console</code> to sign in at once, or enter the API token: it is in the file{" "}
          <code>api-token</code> of the collector's data folder.
        </p>
        <label for="token">API token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          autofocus
        />
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy}>
            Sign in
          </button>
        </div>
        <Problem error={error} />
      </form>
    </main>
  );
}
