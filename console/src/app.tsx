import { useEffect, useState } from "preact/hooks";
import { get, onSignedOut, post, remove } from "./api/client";
import type { Page, Row, Session } from "./api/types";
import { Empty, Link, Moment, Problem, Skeleton } from "./components/basics";
import { Icon } from "./components/icon";
import { PAGES, pageOf } from "./pages";
import { SignIn } from "./sign-in";
import { session, setSession } from "./state/session";
import { useQuery } from "./state/use-query";
import { addressOf, asked, RANGES, useView, type View } from "./state/view";

export function App() {
  const [state, setState] = useState<"unknown" | "in" | "out">("unknown");
  const [problem, setProblem] = useState<Error>();
  useEffect(() => {
    signInByAddress().then(
      () => setState("in"),
      (error) => {
        setState("out");
        // 401 is how "nobody is signed in" looks; anything else is worth saying.
        if (error?.status !== 401) setProblem(error);
      },
    );
    return onSignedOut(() => setState("out"));
  }, []);
  if (state === "unknown") return <Skeleton />;
  if (state === "out") return <SignIn problem={problem} onDone={() => whoIsIn().then(() => setState("in"))} />;
  return <Frame onSignOut={() => setState("out")} />;
}

/** `kt console` puts the token behind the `#`, where no server sees it; it does not stay in the address. */
async function signInByAddress(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    await post("/v1/session", { token });
  }
  await whoIsIn();
}

async function whoIsIn(): Promise<void> {
  setSession(await get<Session>("/v1/session"));
}

const RANGE_NAMES: Record<string, string> = {
  "15m": "15 min",
  "1h": "1 hour",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  month: "This month",
};

function Frame({ onSignOut }: { onSignOut: () => void }) {
  const [view, update] = useView();
  const found = pageOf(view.path);
  useEffect(() => {
    document.title = `${found?.info.title ?? "Not found"} · Keeptrusts`;
  }, [found]);

  const signOut = async () => {
    await remove("/v1/session").catch(() => undefined);
    onSignOut();
  };
  const Page = found?.info.page;
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <nav aria-label="Pages">
        <Link to="/" class="product">
          Keeptrusts
        </Link>
        {(["watch", "manage", "try"] as const).map((section) => (
          <ul key={section}>
            {PAGES.filter((page) => page.section === section).map((page) => (
              <li key={page.path}>
                <Link
                  to={addressOf({ ...view, path: page.path, extra: {} })}
                  current={found?.info === page}
                  title={page.title}
                >
                  <Icon name={page.icon} />
                  <span>{page.title}</span>
                </Link>
              </li>
            ))}
          </ul>
        ))}
        {session().name ? (
          <p class="quiet person" title={`Signed in as ${session().role}`}>
            {session().name}
            <br />
            {session().role}
          </p>
        ) : null}
        <button type="button" class="quiet small" onClick={signOut}>
          Sign out
        </button>
      </nav>
      <div class="content">
        <header class="top">
          <h1>{found?.info.title ?? "Not found"}</h1>
          {found && !found.info.timeless ? <Filters view={view} update={update} /> : null}
        </header>
        <main id="main" tabIndex={-1}>
          {Page && found ? (
            <Page key={found.info.path} view={view} update={update} rest={found.rest} />
          ) : (
            <Empty>There is no page at this address.</Empty>
          )}
        </main>
      </div>
    </div>
  );
}

function Filters({ view, update }: { view: View; update: (change: Partial<View>) => void }) {
  const names = useQuery(`names ${view.range} ${view.since}`, async (signal) => {
    const period = { ...asked({ ...view, gateway: "", group: "" }, Date.now()), metrics: "request_count" };
    const ask = (dimension: string) => get<Page<Row>>("/v1/events", { ...period, group_by: dimension }, signal);
    const [gateways, groups] = await Promise.all([ask("gateway_id"), ask("model_group")]);
    const list = (page: Page<Row>, name: string) =>
      page.data.flatMap((row) => (typeof row[name] === "string" ? [row[name]] : []));
    return { gateways: list(gateways, "gateway_id"), groups: list(groups, "model_group") };
  });
  // What is chosen stays to be chosen, even when nothing of it is in the range.
  const options = (list: string[] | undefined, chosen: string) =>
    [...new Set([...(list ?? []), ...(chosen ? [chosen] : [])])].sort();
  return (
    <div class="filters">
      <label>
        Gateway
        <select value={view.gateway} onChange={(event) => update({ gateway: event.currentTarget.value })}>
          <option value="">all</option>
          {options(names.data?.gateways, view.gateway).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Group
        <select value={view.group} onChange={(event) => update({ group: event.currentTarget.value })}>
          <option value="">all</option>
          {options(names.data?.groups, view.group).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Range
        <select
          value={view.range}
          onChange={(event) => update({ range: event.currentTarget.value, since: "", until: "" })}
        >
          {RANGES.map((range) => (
            <option key={range} value={range}>
              {RANGE_NAMES[range]}
            </option>
          ))}
          {view.range === "custom" ? <option value="custom">custom</option> : null}
        </select>
      </label>
      {view.range === "custom" ? (
        <span class="quiet">
          <Moment at={view.since} /> to {view.until ? <Moment at={view.until} /> : "now"}
        </span>
      ) : null}
      <label class="switch">
        <input
          type="checkbox"
          checked={view.live}
          onChange={(event) => update({ live: event.currentTarget.checked })}
        />
        Live
      </label>
      <Problem error={names.error} />
    </div>
  );
}
