import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client";
import type { CreatedWebhook, Delivery, Page, Webhook } from "../api/types";
import { Card, Copy, Empty, Moment, Problem, Skeleton } from "../components/basics";
import { Confirm, SidePanel } from "../components/dialog";
import { Table } from "../components/table";
import { count } from "../lib/format";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";

const EVENT_TYPES = [
  "gateway.health_changed",
  "health.threshold_breached",
  "health.threshold_recovered",
  "budget.threshold_reached",
] as const;

const FORMATS = ["generic", "slack", "pagerduty", "alertmanager"] as const;

type Open =
  | { kind: "create" }
  | { kind: "shown"; hook: CreatedWebhook }
  | { kind: "delete"; hook: Webhook }
  | { kind: "deliveries"; hook: Webhook };

export function Webhooks({ view }: PageProps) {
  const query = useQuery("webhooks", (signal) => get<Page<Webhook>>("/v1/webhooks", {}, signal), view.live);
  const [open, setOpen] = useState<Open>();
  const [error, setError] = useState<Error>();
  const [told, setTold] = useState<string>();
  const close = () => {
    setOpen(undefined);
    setError(undefined);
    query.reload();
  };
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton />;
  const test = (hook: Webhook) => {
    setTold(undefined);
    post<{ status: number | null; error: string | null; latency_ms: number }>(`/v1/webhooks/${hook.id}/test`).then(
      (result) =>
        setTold(result.error ?? `${new URL(hook.url).host} answered ${result.status} after ${result.latency_ms} ms.`),
      setError,
    );
  };
  return (
    <Card
      title="Webhooks"
      aside={
        <button type="button" class="primary" onClick={() => setOpen({ kind: "create" })}>
          Create webhook
        </button>
      }
    >
      <Problem error={query.error ?? error} />
      {told ? <p role="status">{told}</p> : null}
      <Table
        label="Webhooks"
        rows={query.data.data}
        rowKey={(hook) => hook.id}
        empty={
          <Empty command="kt webhooks create --url https://hooks.example.com/keeptrusts">
            Nobody is told when a provider fails. Create a webhook:
          </Empty>
        }
        columns={[
          { title: "Address", sort: (hook) => hook.url, cell: (hook) => hook.url },
          { title: "Format", wide: true, cell: (hook) => hook.format ?? "generic" },
          {
            title: "About",
            wide: true,
            cell: (hook) => (hook.event_types.length ? hook.event_types.join(", ") : "everything"),
          },
          {
            title: "Last delivery",
            cell: (hook) => {
              const last = hook.last_delivery;
              if (!last) return "none yet";
              const ok = last.status !== null && last.status >= 200 && last.status < 300;
              return (
                <span class={ok ? "good" : "bad"}>
                  {last.status ?? last.error}, <Moment at={last.at_ms} />
                </span>
              );
            },
          },
          {
            title: "Actions",
            cell: (hook) => (
              <span class="buttons">
                <button type="button" class="small" onClick={() => test(hook)}>
                  Test
                </button>
                <button type="button" class="small" onClick={() => setOpen({ kind: "deliveries", hook })}>
                  Deliveries
                </button>
                <button type="button" class="small danger" onClick={() => setOpen({ kind: "delete", hook })}>
                  Delete
                </button>
              </span>
            ),
          },
        ]}
      />
      {open?.kind === "create" ? <Create onClose={close} onMade={(hook) => setOpen({ kind: "shown", hook })} /> : null}
      {open?.kind === "shown" ? (
        <SidePanel title="Webhook created" onClose={close}>
          <p>This secret signs the messages (header x-keeptrusts-signature). It is shown this once.</p>
          <Copy text={open.hook.secret} />
          <div class="buttons">
            <button type="button" class="primary" onClick={close}>
              Done
            </button>
          </div>
        </SidePanel>
      ) : null}
      {open?.kind === "delete" ? (
        <Confirm
          title="Delete this webhook?"
          action="Delete"
          onClose={close}
          onConfirm={() => void remove(`/v1/webhooks/${open.hook.id}`).then(close, setError)}
        >
          <p>{open.hook.url} is told nothing any more.</p>
          <Problem error={error} />
        </Confirm>
      ) : null}
      {open?.kind === "deliveries" ? <Deliveries hook={open.hook} onClose={close} /> : null}
    </Card>
  );
}

function Create({ onClose, onMade }: { onClose: () => void; onMade: (hook: CreatedWebhook) => void }) {
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    post<CreatedWebhook>("/v1/webhooks", {
      url: String(form.get("url")).trim(),
      format: String(form.get("format")),
      event_types: form.getAll("event_types").map(String),
    }).then(onMade, setError);
  };
  return (
    <SidePanel title="Create webhook" onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          Address
          <input name="url" type="url" required placeholder="https://" />
        </label>
        <label>
          Format
          <select name="format">
            {FORMATS.map((format) => (
              <option key={format}>{format}</option>
            ))}
          </select>
        </label>
        <fieldset>
          <legend>About (none chosen: everything)</legend>
          {EVENT_TYPES.map((type) => (
            <label class="check" key={type}>
              <input type="checkbox" name="event_types" value={type} /> {type}
            </label>
          ))}
        </fieldset>
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

function Deliveries({ hook, onClose }: { hook: Webhook; onClose: () => void }) {
  const query = useQuery(
    `deliveries ${hook.id}`,
    (signal) => get<Page<Delivery>>(`/v1/webhooks/${hook.id}/deliveries`, {}, signal),
    true,
  );
  return (
    <SidePanel title={`Deliveries to ${new URL(hook.url).host}`} onClose={onClose}>
      <Problem error={query.error} />
      <Table
        label="Deliveries"
        rows={query.data?.data ?? []}
        rowKey={(one) => `${one.at_ms} ${one.attempt}`}
        empty={<p class="quiet">None yet.</p>}
        columns={[
          { title: "Time", cell: (one) => <Moment at={one.at_ms} /> },
          { title: "About", cell: (one) => one.event_type },
          { title: "Answer", cell: (one) => <span class={one.error ? "bad" : "good"}>{one.error ?? one.status}</span> },
          { title: "Try", figure: true, cell: (one) => count(one.attempt) },
          { title: "Next try", cell: (one) => <Moment at={one.next_try_ms} /> },
        ]}
      />
    </SidePanel>
  );
}
