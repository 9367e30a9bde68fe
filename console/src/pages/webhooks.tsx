import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client";
import type { CreatedWebhook, Page, Webhook } from "../api/types";
import { Card, Copy, Empty, Problem, Skeleton } from "../components/basics";
import { Confirm, SidePanel } from "../components/dialog";
import { Table } from "../components/table";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";

const EVENT_TYPES = [
  "gateway.health_changed",
  "health.threshold_breached",
  "health.threshold_recovered",
  "budget.threshold_reached",
] as const;

type Open = { kind: "create" } | { kind: "shown"; hook: CreatedWebhook } | { kind: "delete"; hook: Webhook };

export function Webhooks({ view }: PageProps) {
  const query = useQuery("webhooks", (signal) => get<Page<Webhook>>("/v1/webhooks", {}, signal), view.live);
  const [open, setOpen] = useState<Open>();
  const [error, setError] = useState<Error>();
  const close = () => {
    setOpen(undefined);
    setError(undefined);
    query.reload();
  };
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton />;
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
      <Table
        label="Webhooks"
        rows={query.data.data}
        rowKey={(hook) => hook.id}
        empty={<Empty>Nobody is told when a provider fails. Create a webhook:</Empty>}
        columns={[
          { title: "Address", sort: (hook) => hook.url, cell: (hook) => hook.url },
          {
            title: "About",
            wide: true,
            cell: (hook) => (hook.event_types.length ? hook.event_types.join(", ") : "everything"),
          },
          {
            title: "Actions",
            cell: (hook) => (
              <span class="buttons">
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
