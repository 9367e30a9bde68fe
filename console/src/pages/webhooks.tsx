import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client";
import type { CreatedWebhook, Delivery, Page, Webhook } from "../api/types";
import { Copy, Empty, Moment, Problem, Skeleton } from "../components/basics";
import { Confirm, SidePanel } from "../components/dialog";
import { CreatePanel, ManagedPage, ShownOnce, useManaged } from "../components/managed";
import { Table } from "../components/table";
import { words } from "../lib/format";
import type { PageProps } from "../pages";
import { may } from "../state/session";
import { useQuery } from "../state/use-query";

const EVENT_TYPES = [
  "gateway.health_changed",
  "health.threshold_breached",
  "health.threshold_recovered",
  "budget.threshold_reached",
] as const;

const FORMATS = {
  generic: "Signed JSON",
  slack: "Slack",
  pagerduty: "PagerDuty",
  alertmanager: "Alertmanager",
} as const;

type Open =
  | { kind: "create" }
  | { kind: "shown"; hook: CreatedWebhook }
  | { kind: "deliveries"; hook: Webhook }
  | { kind: "delete"; hook: Webhook };

export function Webhooks({ view }: PageProps) {
  const managed = useManaged<Webhook, Open>("/v1/webhooks", view.live);
  const { open, error, close, show, run } = managed;
  return (
    <ManagedPage
      managed={managed}
      title="Webhooks"
      create={{ label: "Create webhook", open: { kind: "create" } as Open }}
    >
      {(hooks) => (
        <>
          <Table
            label="Webhooks"
            rows={hooks}
            rowKey={(hook) => hook.id}
            empty={
              <Empty command="kt webhooks create --format slack --url ADDRESS">
                Nobody is told when a provider fails. Create a webhook:
              </Empty>
            }
            columns={[
              { title: "Address", sort: (hook) => hook.url, cell: (hook) => hook.url },
              { title: "Format", sort: (hook) => hook.format, cell: (hook) => FORMATS[hook.format] },
              {
                title: "About",
                wide: true,
                cell: (hook) => (hook.event_types.length ? hook.event_types.join(", ") : "everything"),
              },
              {
                title: "Latest message",
                cell: (hook) =>
                  hook.last_delivery ? (
                    <>
                      <Outcome of={hook.last_delivery} />{" "}
                      <span class="quiet">
                        <Moment at={hook.last_delivery.at_ms} />
                      </span>
                    </>
                  ) : (
                    "–"
                  ),
              },
              {
                title: "Actions",
                cell: (hook) => (
                  <span class="buttons">
                    <button type="button" class="small" onClick={() => show({ kind: "deliveries", hook })}>
                      Deliveries and test
                    </button>
                    {may("admin") ? (
                      <button type="button" class="small danger" onClick={() => show({ kind: "delete", hook })}>
                        Delete
                      </button>
                    ) : null}
                  </span>
                ),
              },
            ]}
          />
          {open?.kind === "create" ? <Create onClose={close} onMade={(hook) => show({ kind: "shown", hook })} /> : null}
          {open?.kind === "shown" ? <Created hook={open.hook} onClose={close} /> : null}
          {open?.kind === "deliveries" ? <Deliveries hook={open.hook} onClose={close} /> : null}
          {open?.kind === "delete" ? (
            <Confirm
              title="Delete this webhook?"
              action="Delete"
              onClose={close}
              onConfirm={() => run(remove(`/v1/webhooks/${open.hook.id}`))}
            >
              <p>{open.hook.url} is told nothing any more.</p>
              <Problem error={error} />
            </Confirm>
          ) : null}
        </>
      )}
    </ManagedPage>
  );
}

function Outcome({ of }: { of: Pick<Delivery, "state" | "status" | "error"> }) {
  if (of.state === "delivered") return <span class="good">delivered {of.status}</span>;
  const state = of.state === "waiting" ? "waits" : "given up";
  return (
    <span class={of.state === "waiting" ? "quiet" : "bad"}>
      {state}
      {of.error ? `: ${of.error}` : ""}
    </span>
  );
}

function Created({ hook, onClose }: { hook: CreatedWebhook; onClose: () => void }) {
  return (
    <ShownOnce title="Webhook created" onClose={onClose}>
      {hook.format === "generic" ? (
        <>
          <p>This secret signs the messages (header x-keeptrusts-signature). It is shown this once.</p>
          <Copy text={hook.secret} />
        </>
      ) : (
        <p>Send it a test message: {FORMATS[hook.format]} is told at once.</p>
      )}
    </ShownOnce>
  );
}

/** The latest messages of a webhook with what became of them, and a button that sends one more. */
function Deliveries({ hook, onClose }: { hook: Webhook; onClose: () => void }) {
  const path = `/v1/webhooks/${hook.id}`;
  const query = useQuery(path, (signal) => get<Page<Delivery>>(`${path}/deliveries`, {}, signal), true);
  const [error, setError] = useState<Error>();
  const [testing, setTesting] = useState(false);
  const test = () => {
    setTesting(true);
    post<Delivery>(`${path}/test`)
      .then(() => setError(undefined), setError)
      .finally(() => {
        setTesting(false);
        query.reload();
      });
  };
  return (
    <SidePanel title={`Messages to ${hook.url}`} onClose={onClose}>
      <div class="buttons">
        <button type="button" class="primary" onClick={test} disabled={testing || !may("operator")}>
          Send test message
        </button>
      </div>
      <Problem error={error ?? query.error} />
      {query.data ? (
        query.data.data.length ? (
          <ul class="plain" aria-label="Messages">
            {query.data.data.map((one) => (
              <li key={one.id}>
                <Moment at={one.last_try_ms ?? one.made_at_ms} /> <strong>{words(one.event_type)}</strong>{" "}
                <Outcome of={one} />
                {one.tries > 1 ? ` after ${one.tries} tries` : ""}
                {one.next_try_ms && one.tries ? (
                  <>
                    , again <Moment at={one.next_try_ms} />
                  </>
                ) : null}
                <details>
                  <summary>Message{one.answer ? " and answer" : ""}</summary>
                  <pre>{JSON.stringify(one.message, null, 2)}</pre>
                  {one.answer ? <pre>{one.answer}</pre> : null}
                </details>
              </li>
            ))}
          </ul>
        ) : (
          <p class="quiet">Nothing was told yet.</p>
        )
      ) : (
        <Skeleton />
      )}
    </SidePanel>
  );
}

function Create({ onClose, onMade }: { onClose: () => void; onMade: (hook: CreatedWebhook) => void }) {
  const [error, setError] = useState<Error>();
  const [format, setFormat] = useState<Webhook["format"]>("generic");
  const submit = (fields: FormData) => {
    const text = (name: string) => String(fields.get(name) ?? "").trim();
    post<CreatedWebhook>("/v1/webhooks", {
      url: text("url"),
      format,
      event_types: fields.getAll("event_types").map(String),
      ...(format === "pagerduty" ? { routing_key: text("routing_key") } : {}),
    }).then(onMade, setError);
  };
  return (
    <CreatePanel title="Create webhook" error={error} onSubmit={submit} onClose={onClose}>
      <label>
        Format
        <select
          name="format"
          value={format}
          onChange={(event) => setFormat(event.currentTarget.value as Webhook["format"])}
        >
          {Object.entries(FORMATS).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        Address{format === "pagerduty" ? " (empty: PagerDuty's own)" : ""}
        <input
          name="url"
          type="url"
          required={format !== "pagerduty"}
          placeholder={format === "alertmanager" ? "http://" : "https://"}
        />
      </label>
      {format === "pagerduty" ? (
        <label>
          Integration key of the Events API v2
          <input name="routing_key" required minLength={32} maxLength={32} autocomplete="off" />
        </label>
      ) : null}
      <fieldset>
        <legend>About (none chosen: everything)</legend>
        {EVENT_TYPES.map((type) => (
          <label class="check" key={type}>
            <input type="checkbox" name="event_types" value={type} /> {type}
          </label>
        ))}
      </fieldset>
    </CreatePanel>
  );
}
