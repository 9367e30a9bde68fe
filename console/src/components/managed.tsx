import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { get } from "../api/client";
import type { Page } from "../api/types";
import { may } from "../state/session";
import { useQuery } from "../state/use-query";
import { Card, Problem, Skeleton } from "./basics";
import { SidePanel } from "./dialog";

/** Things that people make and end, and the side panel that is open, of which `Open` says which one. */
export interface Managed<Item, Open> {
  /** The last answer; `undefined` until there is one. */
  items: Item[] | undefined;
  /** Why there is no newer one. */
  problem: Error | undefined;
  open: Open | undefined;
  /** What went wrong in the open panel. */
  error: Error | undefined;
  show: (open: Open) => void;
  /** Closes the panel and asks anew. */
  close: () => void;
  /** Closes the panel when the work is done, or says there why it is not. */
  run: (work: Promise<unknown>) => void;
}

/** Keeps a list of `path`. */
export function useManaged<Item, Open>(path: string, live: boolean): Managed<Item, Open> {
  const query = useQuery(path, (signal) => get<Page<Item>>(path, {}, signal), live);
  const [open, setOpen] = useState<Open>();
  const [error, setError] = useState<Error>();
  const show = (next: Open) => {
    setError(undefined);
    setOpen(next);
  };
  const close = () => {
    setError(undefined);
    setOpen(undefined);
    query.reload();
  };
  return {
    items: query.data?.data,
    problem: query.error,
    open,
    error,
    show,
    close,
    run: (work) => void work.then(close, setError),
  };
}

/** The frame of such a page: its list, and a button that makes one more. */
export function ManagedPage<Item, Open>(props: {
  managed: Managed<Item, Open>;
  title: string;
  create: { label: string; open: Open };
  children: (items: Item[]) => ComponentChildren;
}) {
  const { managed } = props;
  if (!managed.items) return managed.problem ? <Problem error={managed.problem} /> : <Skeleton />;
  return (
    <Card
      title={props.title}
      aside={
        may("admin") ? (
          <button type="button" class="primary" onClick={() => managed.show(props.create.open)}>
            {props.create.label}
          </button>
        ) : null
      }
    >
      <Problem error={managed.problem} />
      {props.children(managed.items)}
    </Card>
  );
}

/** A panel with a form that makes one; `onSubmit` is given its fields. */
export function CreatePanel(props: {
  title: string;
  error: Error | undefined;
  onSubmit: (fields: FormData) => void;
  onClose: () => void;
  children: ComponentChildren;
}) {
  return (
    <SidePanel title={props.title} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onSubmit(new FormData(event.currentTarget));
        }}
      >
        {props.children}
        <Problem error={props.error} />
        <div class="buttons">
          <button type="submit" class="primary">
            Create
          </button>
        </div>
      </form>
    </SidePanel>
  );
}

/** A panel that shows something once. */
export function ShownOnce(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  return (
    <SidePanel title={props.title} onClose={props.onClose}>
      {props.children}
      <div class="buttons">
        <button type="button" class="primary" onClick={props.onClose}>
          Done
        </button>
      </div>
    </SidePanel>
  );
}
