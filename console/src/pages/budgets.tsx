import { post, remove } from "../api/client";
import type { Budget } from "../api/types";
import { Empty, Meter, Moment, Problem } from "../components/basics";
import { Confirm } from "../components/dialog";
import { CreatePanel, ManagedPage, useManaged } from "../components/managed";
import { Table } from "../components/table";
import { percent, usd } from "../lib/format";
import type { PageProps } from "../pages";
import { may } from "../state/session";

type Open = { kind: "create" } | { kind: "delete"; budget: Budget };

export function Budgets({ view }: PageProps) {
  const managed = useManaged<Budget, Open>("/v1/budgets", view.live);
  const { open, error, close, run } = managed;
  const create = (fields: FormData) =>
    run(
      post("/v1/budgets", {
        provider: String(fields.get("provider")).trim(),
        limit_usd: Number(fields.get("limit")),
        period: String(fields.get("period")),
      }),
    );
  return (
    <ManagedPage
      managed={managed}
      title="Provider budgets"
      create={{ label: "Create budget", open: { kind: "create" } as Open }}
    >
      {(budgets) => (
        <>
          <Table
            label="Budgets"
            rows={budgets}
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
              {
                title: "Limit",
                figure: true,
                sort: (budget) => budget.limit_usd,
                cell: (budget) => usd(budget.limit_usd),
              },
              {
                title: "Spent",
                figure: true,
                sort: (budget) => budget.spent_usd,
                cell: (budget) => usd(budget.spent_usd),
              },
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
                cell: (budget) =>
                  may("admin") ? (
                    <button type="button" class="small danger" onClick={() => managed.show({ kind: "delete", budget })}>
                      Delete
                    </button>
                  ) : null,
              },
            ]}
          />
          {open?.kind === "create" ? (
            <CreatePanel title="Create budget" error={error} onSubmit={create} onClose={close}>
              <label>
                Provider (a target's id, or a vendor: all its targets together)
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
            </CreatePanel>
          ) : null}
          {open?.kind === "delete" ? (
            <Confirm
              title={`Delete the budget of ${open.budget.provider}?`}
              action="Delete"
              onClose={close}
              onConfirm={() => run(remove(`/v1/budgets/${open.budget.id}`))}
            >
              <p>From then on nothing stops what {open.budget.provider} may cost.</p>
              <Problem error={error} />
            </Confirm>
          ) : null}
        </>
      )}
    </ManagedPage>
  );
}
