import { useState } from "preact/hooks";
import { post, remove } from "../api/client";
import type { CreatedKey, GatewayKey } from "../api/types";
import { Copy, Empty, Moment, Problem } from "../components/basics";
import { Confirm, SidePanel } from "../components/dialog";
import { CreatePanel, ManagedPage, ShownOnce, useManaged } from "../components/managed";
import { Table } from "../components/table";
import { count, usd } from "../lib/format";
import type { PageProps } from "../pages";
import { may } from "../state/session";

type Open =
  | { kind: "create" }
  | { kind: "shown"; key: CreatedKey }
  | { kind: "rotate"; key: GatewayKey }
  | { kind: "revoke"; key: GatewayKey };

export function Keys({ view }: PageProps) {
  const managed = useManaged<GatewayKey, Open>("/v1/tokens", view.live);
  const { open, error, close, show, run } = managed;
  const isInForce = (key: GatewayKey) => key.state === "active" || key.state === undefined;
  return (
    <ManagedPage
      managed={managed}
      title="Gateway keys"
      create={{ label: "Create key", open: { kind: "create" } as Open }}
    >
      {(keys) => (
        <>
          <Table
            label="Gateway keys"
            rows={keys}
            rowKey={(key) => key.id}
            empty={
              <Empty command="kt tokens create --type gateway --name my-app">
                No key yet: a gateway on loopback lets everybody in. From the first key on every request needs one.
              </Empty>
            }
            columns={[
              { title: "Name", sort: (key) => key.name, cell: (key) => <strong>{key.name}</strong> },
              { title: "Team", wide: true, sort: (key) => key.team, cell: (key) => key.team ?? "–" },
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
                  key.limit
                    ? `${usd(key.spent_usd ?? 0)} of ${usd(key.limit.limit_usd)} ${key.limit.period}`
                    : "no limit",
              },
              { title: "Expires", cell: (key) => (key.expires_at_ms ? <Moment at={key.expires_at_ms} /> : "never") },
              { title: "Last used", wide: true, cell: (key) => <Moment at={key.last_used_ms} /> },
              {
                title: "Actions",
                cell: (key) =>
                  isInForce(key) && may("admin") ? (
                    <span class="buttons">
                      <button type="button" class="small" onClick={() => show({ kind: "rotate", key })}>
                        Rotate
                      </button>
                      <button type="button" class="small danger" onClick={() => show({ kind: "revoke", key })}>
                        Revoke
                      </button>
                    </span>
                  ) : null,
              },
            ]}
          />
          {open?.kind === "create" ? (
            <Create first={!keys.some(isInForce)} onClose={close} onMade={(key) => show({ kind: "shown", key })} />
          ) : null}
          {open?.kind === "shown" ? (
            <ShownOnce title={`Key ${open.key.name}`} onClose={close}>
              <p>Copy it now: it is shown this once and stored nowhere.</p>
              {open.key.former_until_ms ? (
                <p>
                  The former key opens until <Moment at={open.key.former_until_ms} />.
                </p>
              ) : null}
              <Copy text={open.key.key} />
              <pre>{`client = openai.OpenAI(\n    api_key="${open.key.key}",\n    base_url="http://localhost:41002/v1",\n)`}</pre>
            </ShownOnce>
          ) : null}
          {open?.kind === "rotate" ? (
            <Rotate key={open.key.id} of={open.key} onClose={close} onMade={(key) => show({ kind: "shown", key })} />
          ) : null}
          {open?.kind === "revoke" ? (
            <Confirm
              title={`Revoke ${open.key.name}?`}
              action="Revoke"
              onClose={close}
              onConfirm={() => run(remove(`/v1/tokens/${open.key.id}`))}
            >
              <p>Requests with this key are refused within seconds. It cannot be undone.</p>
              <Problem error={error} />
            </Confirm>
          ) : null}
        </>
      )}
    </ManagedPage>
  );
}

const GRACE = { "0": "at once", "3600": "in an hour", "86400": "in a day", "604800": "in a week" } as const;

/** Makes a key anew; clients change while both open. */
function Rotate(props: { of: GatewayKey; onClose: () => void; onMade: (key: CreatedKey) => void }) {
  const [error, setError] = useState<Error>();
  const [grace, setGrace] = useState("3600");
  const rotate = () =>
    void post<CreatedKey>(`/v1/tokens/${props.of.id}/rotate`, { grace_seconds: Number(grace) }).then(
      props.onMade,
      setError,
    );
  return (
    <SidePanel title={`Rotate ${props.of.name}`} onClose={props.onClose}>
      <p>The key is made anew. Its name, limits and spending stay.</p>
      <label>
        The former key ends{" "}
        <select value={grace} onChange={(event) => setGrace(event.currentTarget.value)}>
          {Object.entries(GRACE).map(([seconds, when]) => (
            <option key={seconds} value={seconds}>
              {when}
            </option>
          ))}
        </select>
      </label>
      <Problem error={error} />
      <div class="buttons">
        <button type="button" class="primary" onClick={rotate}>
          Rotate
        </button>
        <button type="button" onClick={props.onClose}>
          Cancel
        </button>
      </div>
    </SidePanel>
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
  const submit = (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const models = text("models")
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    post<CreatedKey>("/v1/tokens", {
      name: text("name"),
      ...(text("team") ? { team: text("team") } : {}),
      ...(models.length ? { models } : {}),
      ...(text("days") ? { expires_in_seconds: Number(text("days")) * 86_400 } : {}),
      ...(text("rpm") ? { requests_per_minute: Number(text("rpm")) } : {}),
      ...(text("limit") ? { limit: { limit_usd: Number(text("limit")), period: text("period") } } : {}),
    }).then(onMade, setError);
  };
  return (
    <CreatePanel title="Create key" error={error} onSubmit={submit} onClose={onClose}>
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
        Team (who answers for what it spends)
        <input name="team" maxLength={200} autocomplete="off" />
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
    </CreatePanel>
  );
}
