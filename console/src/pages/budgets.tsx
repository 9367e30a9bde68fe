import { useState } from "preact/hooks";
import { get, post, remove } from "../api/client";
import type { Budget, Page } from "../api/types";
import { Card, Empty, Meter, Moment, Problem, Skeleton } from "../components/basics";
import { Confirm, SidePanel } from "../components/dialog";
import { Table } from "../components/table";
import { percent, usd } from "../lib/format";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";

export function Budgets({ view }: PageProps) {
  const query = useQuery("budgets", (signal) => get<Page<Budget>>("/v1/budgets", {}, signal), view.live);
  const [creating, setCreating] = useState(false);
  const [ending, setEnding] = useState<Budget>();
  const [error, setError] = useState<Error>();
  const close = () => {
    setCreating(false);
    setEnding(undefined);
    setError(undefined);
    query.reload();
  };
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton />;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    post("/v1/budgets", {
      provider: String(form.get("provider")).trim(),
      limit_usd: Number(form.get("limit")),
      period: String(form.get("period")),
    }).then(close, setError);
  };
  return (
    <Card
      title="Provider budgets"
      aside={
        <button type="button" class="primary" onClick={() => setCreating(true)}>
          Create budget
        </button>
      }
    >
      <Problem error={query.error} />
      <Table
        label="Budgets"
        rows={query.data.data}
        rowKey={(budget) => budget.id}
        empty={
          <Empty command="kt spend provider-budget create --provider openai --limit 5000 --period monthly">
            No budget yet. A budget is a hard ceiling: when it is used up the gateway asks others.
          </Empty>
        }
        columns={[
          {
            title: "Provider",
            sort: (budget) => budget.provider,
            cell: (budget) => <strong>{budget.provider}</strong>,
          },
          { title: "Period", sort: (budget) => budget.period, cell: (budget) => budget.period },
          { title: "Limit", figure: true, sort: (budget) => budget.limit_usd, cell: (budget) => usd(budget.limit_usd) },
          { title: "Spent", figure: true, sort: (budget) => budget.spent_usd, cell: (budget) => usd(budget.spent_usd) },
          {
            title: "Used",
            sort: (budget) => budget.spent_usd / budget.limit_usd,
            cell: (budget) => (
              <>
                <Meter
                  value={budget.spent_usd}
                  limit={budget.limit_usd}
                  label={`Used of the budget of ${budget.provider}`}
                />{" "}
                {percent(budget.spent_usd / budget.limit_usd)}
              </>
            ),
          },
          { title: "Begins anew", wide: true, cell: (budget) => <Moment at={budget.period_end_ms} /> },
          {
            title: "Actions",
            cell: (budget) => (
              <button type="button" class="small danger" onClick={() => setEnding(budget)}>
                Delete
              </button>
            ),
          },
        ]}
      />
      {creating ? (
        <SidePanel title="Create budget" onClose={close}>
          <form onSubmit={submit}>
            <label>
              Provider (a target's id or a vendor)
              <input name="provider" required autocomplete="off" />
            </label>
            <label>
              Limit in US dollars
              <input name="limit" type="number" min="0" step="any" required />
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
      ) : null}
      {ending ? (
        <Confirm
          title={`Delete the budget of ${ending.provider}?`}
          action="Delete"
          onClose={close}
          onConfirm={() => void remove(`/v1/budgets/${ending.id}`).then(close, setError)}
        >
          <p>From then on nothing stops what {ending.provider} may cost.</p>
          <Problem error={error} />
        </Confirm>
      ) : null}
    </Card>
  );
}
