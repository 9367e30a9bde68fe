import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client";
import type { CreatedKey, GatewayKey, Page } from "../api/types";
import { Card, Copy, Empty, Moment, Problem, Skeleton } from "../components/basics";
import { Confirm, SidePanel } from "../components/dialog";
import { Table } from "../components/table";
import { count, usd } from "../lib/format";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";

type Open = { kind: "create" } | { kind: "shown"; key: CreatedKey } | { kind: "revoke"; key: GatewayKey };

export function Keys({ view }: PageProps) {
  const query = useQuery("keys", (signal) => get<Page<GatewayKey>>("/v1/tokens", {}, signal), view.live);
  const [open, setOpen] = useState<Open>();
  const [error, setError] = useState<Error>();
  const close = () => {
    setOpen(undefined);
    setError(undefined);
    query.reload();
  };
  const run = (work: Promise<unknown>) => work.then(close, setError);
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton />;
  const none = !query.data.data.some((key) => key.state === "active" || key.state === undefined);
  return (
    <Card
      title="Gateway keys"
      aside={
        <button type="button" class="primary" onClick={() => setOpen({ kind: "create" })}>
          Create key
        </button>
      }
    >
      <Problem error={query.error ?? error} />
      <Table
        label="Gateway keys"
        rows={query.data.data}
        rowKey={(key) => key.id}
        empty={
          <Empty command="kt tokens create --type gateway --name my-app">
            No key yet: a gateway on loopback lets everybody in. From the first key on every request needs one.
          </Empty>
        }
        columns={[
          { title: "Name", sort: (key) => key.name, cell: (key) => <strong>{key.name}</strong> },
          { title: "Key", wide: true, cell: (key) => <code>{key.prefix ?? "kt_gk_"}…</code> },
          {
            title: "State",
            sort: (key) => key.state,
            cell: (key) => <span class={key.state === "active" ? "good" : "quiet"}>{key.state ?? "active"}</span>,
          },
          { title: "Models", wide: true, cell: (key) => key.models?.join(", ") ?? "all" },
          { title: "Requests/min", figure: true, wide: true, cell: (key) => count(key.requests_per_minute) },
          {
            title: "Spent",
            figure: true,
            sort: (key) => key.spent_usd,
            cell: (key) =>
              key.limit ? `${usd(key.spent_usd ?? 0)} of ${usd(key.limit.limit_usd)} ${key.limit.period}` : "no limit",
          },
          { title: "Expires", cell: (key) => (key.expires_at_ms ? <Moment at={key.expires_at_ms} /> : "never") },
          { title: "Last used", wide: true, cell: (key) => <Moment at={key.last_used_ms} /> },
          {
            title: "Actions",
            cell: (key) =>
              key.state === "active" || key.state === undefined ? (
                <span class="buttons">
                  <button type="button" class="small danger" onClick={() => setOpen({ kind: "revoke", key })}>
                    Revoke
                  </button>
                </span>
              ) : null,
          },
        ]}
      />
      {open?.kind === "create" ? (
        <Create first={none} onClose={close} onMade={(key) => setOpen({ kind: "shown", key })} />
      ) : null}
      {open?.kind === "shown" ? (
        <SidePanel title={`Key ${open.key.name}`} onClose={close}>
          <p>Copy it now: it is shown this once and stored nowhere.</p>
          <Copy text={open.key.key} />
          <pre>{`client = openai.OpenAI(\n    api_key="${open.key.key}",\n    base_url="http://localhost:41002/v1",\n)`}</pre>
          <div class="buttons">
            <button type="button" class="primary" onClick={close}>
              Done
            </button>
          </div>
        </SidePanel>
      ) : null}
      {open?.kind === "revoke" ? (
        <Confirm
          title={`Revoke ${open.key.name}?`}
          action="Revoke"
          onClose={close}
          onConfirm={() => void run(remove(`/v1/tokens/${open.key.id}`))}
        >
          <p>Requests with this key are refused within seconds. It cannot be undone.</p>
          <Problem error={error} />
        </Confirm>
      ) : null}
    </Card>
  );
}

function Create({
  first,
  onClose,
  onMade,
}: {
  first: boolean;
  onClose: () => void;
  onMade: (key: CreatedKey) => void;
}) {
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const models = text("models")
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    post<CreatedKey>("/v1/tokens", {
      name: text("name"),
      ...(models.length ? { models } : {}),
      ...(text("days") ? { expires_in_seconds: Number(text("days")) * 86_400 } : {}),
      ...(text("rpm") ? { requests_per_minute: Number(text("rpm")) } : {}),
      ...(text("limit") ? { limit: { limit_usd: Number(text("limit")), period: text("period") } } : {}),
    }).then(onMade, setError);
  };
  return (
    <SidePanel title="Create key" onClose={onClose}>
      <form onSubmit={submit}>
        {first ? (
          <p class="problem">
            This is the first key in force: from now on every request needs a key, also those that need none today.
          </p>
        ) : null}
        <label>
          Name
          <input name="name" required maxLength={100} autocomplete="off" />
        </label>
        <label>
          Groups and models, with commas (empty: all)
          <input name="models" autocomplete="off" />
        </label>
        <label>
          Expires in days (empty: never)
          <input name="days" type="number" min="1" />
        </label>
        <label>
          Requests per minute (empty: no limit)
          <input name="rpm" type="number" min="1" />
        </label>
        <label>
          Budget in US dollars (empty: none)
          <input name="limit" type="number" min="0" step="any" />
        </label>
        <label>
          Period
          <select name="period" defaultValue="monthly">
            <option>daily</option>
            <option>weekly</option>
            <option>monthly</option>
          </select>
        </label>
        <Problem error={error} />
        <div class="buttons">
          <button type="submit" class="primary">
            Create
          </button>
        </div>
      </form>
    </SidePanel>
  );
}
