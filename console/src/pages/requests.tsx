import { useState } from "preact/hooks";
import { get } from "../api/client";
import type { DecisionEvent, Page } from "../api/types";
import { Card, Empty, Link, Moment, Problem, Skeleton } from "../components/basics";
import { type Column, Table } from "../components/table";
import { compact, millis, usd, words } from "../lib/format";
import { parseSearch, withCondition } from "../lib/search";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";
import { addressOf, asked } from "../state/view";
import { RequestDetail } from "./request-detail";

const PAGE_SIZE = 50;
/** What is shown unless it is chosen otherwise. */
const USUAL_COLUMNS = "Time,Group,Served by,Status,Latency,First token,Tokens,Cost,Why,Key";

/** Search over requests; one of them opened shows all that is known of it. */
export function Requests({ view, update, rest }: PageProps) {
  if (rest) return <RequestDetail id={rest} />;
  return <Search view={view} update={update} />;
}

function Search({ view, update }: Omit<PageProps, "rest">) {
  const line = view.extra.q ?? "";
  const [more, setMore] = useState<{ of: string; events: DecisionEvent[]; cursor: string | null }>();
  const address = addressOf(view);
  const parameters = () => ({ ...asked(view, Date.now()), ...parseSearch(line), limit: PAGE_SIZE });
  const query = useQuery(
    `requests ${address}`,
    (signal) => get<Page<DecisionEvent>>("/v1/events", parameters(), signal),
    view.live && !more,
  );
  const first = query.data;
  const further = more?.of === address ? more : undefined;
  const events = [...(first?.data ?? []), ...(further?.events ?? [])];
  const cursor = further ? further.cursor : (first?.next_cursor ?? null);
  const load = async () => {
    const page = await get<Page<DecisionEvent>>("/v1/events", { ...parameters(), cursor });
    setMore({ of: address, events: [...(further?.events ?? []), ...page.data], cursor: page.next_cursor ?? null });
  };
  const search = (text: string) => {
    setMore(undefined);
    const { q: _, ...extra } = view.extra;
    update({ extra: text.trim() ? { ...extra, q: text.trim() } : extra });
  };
  const add = (name: string, value: string | number | null) =>
    value !== null && search(withCondition(line, name, String(value)));
  const columns: Column<DecisionEvent>[] = [
    {
      title: "Time",
      cell: (event) => (
        <Link to={`/requests/${event.id}`}>
          <Moment at={event.timestamp} />
        </Link>
      ),
    },
    {
      title: "Group",
      cell: (event) => (
        <Condition onAdd={() => add("group", event.model_group)}>{event.model_group ?? event.model ?? "–"}</Condition>
      ),
    },
    {
      title: "Served by",
      cell: (event) =>
        event.provider ? (
          <Condition onAdd={() => add("provider", event.provider)}>
            {event.provider} / {event.resolved_model ?? "?"}
          </Condition>
        ) : (
          "nobody"
        ),
    },
    {
      title: "Status",
      figure: true,
      sort: (event) => event.status_code,
      cell: (event) => (
        <Condition onAdd={() => add("status", event.status_code)}>
          <span class={event.status_code >= 400 || event.status_code === 0 || event.error_code ? "bad" : "good"}>
            {event.status_code || "gone"}
          </span>
        </Condition>
      ),
    },
    {
      title: "Latency",
      figure: true,
      sort: (event) => event.latency_ms,
      cell: (event) => millis(event.latency_ms),
    },
    {
      title: "First token",
      figure: true,
      wide: true,
      sort: (event) => event.time_to_first_token_ms,
      cell: (event) => millis(event.time_to_first_token_ms),
    },
    {
      title: "Tokens",
      figure: true,
      wide: true,
      sort: (event) => event.tokens?.total,
      cell: (event) => compact(event.tokens?.total),
    },
    {
      title: "Cost",
      figure: true,
      wide: true,
      sort: (event) => event.actual_cost_usd,
      cell: (event) => (event.tokens ? usd(event.actual_cost_usd) : "–"),
    },
    {
      title: "Why",
      cell: (event) => (
        <span class={event.failover.triggered ? "warn" : "quiet"}>
          {event.failover.triggered
            ? `${event.failover.original_provider ?? "?"}: ${words(event.failover.reason)}`
            : words(event.error_code) || (event.decision === "allowed" ? "" : event.decision)}
        </span>
      ),
    },
    { title: "Key", wide: true, cell: (event) => event.key_name ?? "–" },
    { title: "Tag", wide: true, cell: (event) => event.tag ?? "–" },
    { title: "Team", wide: true, cell: (event) => event.team ?? "–" },
    { title: "Region", wide: true, cell: (event) => event.region ?? "–" },
    { title: "Strategy", wide: true, cell: (event) => event.strategy ?? "–" },
    { title: "Gateway", wide: true, cell: (event) => event.gateway_id },
  ];
  const shown = new Set((view.extra.columns ?? USUAL_COLUMNS).split(","));
  const choose = (title: string, on: boolean) => {
    const titles = columns.map((column) => column.title);
    const chosen = titles.filter((one) => (one === title ? on : shown.has(one))).join(",");
    const { columns: _, ...extra } = view.extra;
    update({ extra: chosen === USUAL_COLUMNS ? extra : { ...extra, columns: chosen } }, true);
  };
  return (
    <Card>
      <form
        role="search"
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          search(String(new FormData(event.currentTarget as HTMLFormElement).get("q")));
        }}
      >
        <label for="q" class="visually-hidden">
          Search
        </label>
        <input
          key={line}
          id="q"
          name="q"
          type="search"
          defaultValue={line}
          placeholder="provider:openai status:502 failover:true tag:experiment since:2h, or an id"
          spellcheck={false}
        />
        <button type="submit">Search</button>
      </form>
      <details class="chooser">
        <summary>Columns</summary>
        {columns.map((column) => (
          <label class="check" key={column.title}>
            <input
              type="checkbox"
              checked={shown.has(column.title)}
              disabled={column.title === "Time"}
              onChange={(event) => choose(column.title, event.currentTarget.checked)}
            />{" "}
            {column.title}
          </label>
        ))}
      </details>
      <Problem error={query.error} />
      {!first && !query.error ? <Skeleton lines={8} /> : null}
      {first ? (
        <Table
          label="Requests"
          rows={events}
          rowKey={(event) => event.id}
          onOpen={(event) => update({ path: `/requests/${event.id}` })}
          empty={
            <Empty command="kt events tail -f">
              {line
                ? "No request matches. Remove a condition or widen the range."
                : "No requests in this range. Watch them arrive:"}
            </Empty>
          }
          columns={columns.filter((column) => shown.has(column.title))}
        />
      ) : null}
      {cursor ? (
        <div class="buttons">
          <button type="button" onClick={load}>
            Older requests
          </button>
        </div>
      ) : null}
    </Card>
  );
}

/** A value that narrows the search when it is clicked. */
function Condition({ onAdd, children }: { onAdd: () => void; children: preact.ComponentChildren }) {
  return (
    <button type="button" class="condition" title="Show only these" onClick={onAdd}>
      {children}
    </button>
  );
}
