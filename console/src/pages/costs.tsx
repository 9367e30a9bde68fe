import { get } from "../api/client";
import type { Page, Row } from "../api/types";
import { Card, Empty, Problem, Skeleton } from "../components/basics";
import { Chart } from "../components/chart";
import { Table } from "../components/table";
import { csvOf } from "../lib/csv";
import { change, count, percent, usd } from "../lib/format";
import { seriesOf } from "../lib/series";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";
import { addressOf, asked, askedBefore, bounds, monthOf, step, viewOfMonth } from "../state/view";

const METRICS =
  "request_count,success_count,total_input_tokens,total_output_tokens,total_cached_tokens,total_cost,cost_per_request,unpriced_count";

const BY = {
  provider: "Provider",
  resolved_model: "Model",
  team: "Team",
  key_name: "Key",
  tag: "Tag",
  month: "Month",
} as const;

const value = (row: Row, name: string) => (typeof row[name] === "number" ? row[name] : null);
const name = (row: Row, by: string) => String(row[by] ?? "none");

/** A change in percent with its sign. */
function moved(now: number | null, before: number | null): string {
  const by = change(now, before);
  return by === null ? "–" : `${by >= 0 ? "+" : "−"}${percent(Math.abs(by))}`;
}

export function CostCenter({ view, update }: PageProps) {
  const by = (view.extra.by ?? "provider") as keyof typeof BY;
  const now = Date.now();
  const { dimension } = step(view, now);
  const query = useQuery(
    `costs ${addressOf(view)}`,
    async (signal) => {
      const real = view.extra.simulated ? {} : { simulated: "false" };
      const wide = { ...asked(view, Date.now()), ...real };
      const ask = (parameters: Record<string, string>) =>
        get<Page<Row>>("/v1/events", parameters, signal).then((page) => page.data);
      const [rows, before, totals, unpriced, days, played] = await Promise.all([
        ask({ ...wide, group_by: by, metrics: METRICS }),
        ask({ ...askedBefore(view, Date.now()), ...real, group_by: by, metrics: "total_cost" }),
        ask({ ...wide, metrics: METRICS }),
        ask({ ...wide, group_by: "provider,resolved_model", metrics: "unpriced_count" }),
        ask({ ...wide, group_by: `${dimension},provider`, metrics: "total_cost" }),
        ask({ ...asked(view, Date.now()), simulated: "true", metrics: "request_count" }),
      ]);
      return {
        rows,
        before,
        total: totals[0] ?? {},
        unpriced: unpriced.filter((row) => (value(row, "unpriced_count") ?? 0) > 0),
        days,
        simulated: value(played[0] ?? {}, "request_count") ?? 0,
      };
    },
    view.live,
  );
  const data = query.data;
  if (!data) return query.error ? <Problem error={query.error} /> : <Skeleton lines={8} />;
  const total = value(data.total, "total_cost") ?? 0;
  const series = seriesOf(data.days, dimension, "total_cost", bounds(view, now), "provider", 0);
  const perSuccess = (row: Row) => {
    const [cost, served] = [value(row, "total_cost"), value(row, "success_count")];
    return cost !== null && served ? cost / served : null;
  };
  const costOf = (row: Row) => {
    const all = value(row, "request_count");
    // Nothing of it has a price: that is not the same as free.
    return all !== null && all > 0 && value(row, "unpriced_count") === all ? null : value(row, "total_cost");
  };
  const download = () => {
    const columns = [by, ...METRICS.split(",")];
    const url = URL.createObjectURL(new Blob([csvOf(columns, data.rows)], { type: "text/csv" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: `costs-by-${by}.csv` });
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <>
      <Problem error={query.error} />
      <Card
        title={`Cost by ${BY[by].toLowerCase()}`}
        aside={
          <span class="aside">
            <label>
              Month{" "}
              <input
                type="month"
                value={monthOf(view, now)}
                max={new Date(now).toISOString().slice(0, 7)}
                onChange={(event) => {
                  const month = event.currentTarget.value;
                  if (/^\d{4}-\d{2}$/.test(month)) update(viewOfMonth(month, Date.now()));
                }}
              />
            </label>{" "}
            <label>
              By{" "}
              <select
                value={by}
                onChange={(event) => update({ extra: { ...view.extra, by: event.currentTarget.value } })}
              >
                {Object.entries(BY).map(([key, title]) => (
                  <option key={key} value={key}>
                    {title.toLowerCase()}
                  </option>
                ))}
              </select>
            </label>{" "}
            <button type="button" class="small" onClick={download}>
              Export CSV
            </button>
          </span>
        }
      >
        <Table
          label={`Cost by ${BY[by]}`}
          rows={data.rows}
          rowKey={(row) => name(row, by)}
          empty={<Empty>No requests in this range.</Empty>}
          columns={[
            { title: BY[by], sort: (row) => name(row, by), cell: (row) => name(row, by) },
            {
              title: "Requests",
              figure: true,
              sort: (row) => value(row, "request_count"),
              cell: (row) => count(value(row, "request_count")),
            },
            {
              title: "Input Tokens",
              figure: true,
              sort: (row) => value(row, "total_input_tokens"),
              cell: (row) => count(value(row, "total_input_tokens")),
            },
            {
              title: "Output Tokens",
              figure: true,
              sort: (row) => value(row, "total_output_tokens"),
              cell: (row) => count(value(row, "total_output_tokens")),
            },
            {
              title: "Cached",
              figure: true,
              wide: true,
              sort: (row) => value(row, "total_cached_tokens"),
              cell: (row) => count(value(row, "total_cached_tokens")),
            },
            { title: "Total Cost", figure: true, sort: costOf, cell: (row) => usd(costOf(row)) },
            {
              title: "Cost/Request",
              figure: true,
              sort: (row) => value(row, "cost_per_request"),
              cell: (row) => usd(value(row, "cost_per_request")),
            },
            { title: "Per success", figure: true, wide: true, sort: perSuccess, cell: (row) => usd(perSuccess(row)) },
            {
              title: "Share",
              figure: true,
              cell: (row) => {
                const share = total > 0 ? (value(row, "total_cost") ?? 0) / total : 0;
                return (
                  <span class="share">
                    <span style={{ width: `${share * 100}%` }} />
                    {percent(share)}
                  </span>
                );
              },
            },
            {
              title: monthOf(view, now) ? "To last month" : "To before",
              figure: true,
              wide: true,
              cell: (row) => {
                const old = data.before.find((one) => name(one, by) === name(row, by));
                return moved(value(row, "total_cost"), old ? value(old, "total_cost") : null);
              },
            },
          ]}
          footer={[
            "Total",
            count(value(data.total, "request_count")),
            count(value(data.total, "total_input_tokens")),
            count(value(data.total, "total_output_tokens")),
            count(value(data.total, "total_cached_tokens")),
            usd(total),
            usd(value(data.total, "cost_per_request")),
            usd(perSuccess(data.total)),
            "",
            moved(
              total,
              data.before.reduce((sum, row) => sum + (value(row, "total_cost") ?? 0), 0),
            ),
          ]}
        />
      </Card>
      {data.simulated ? (
        <p class="quiet">
          <label class="check">
            <input
              type="checkbox"
              checked={Boolean(view.extra.simulated)}
              onChange={(event) => {
                const { simulated: _, ...rest } = view.extra;
                update({ extra: event.currentTarget.checked ? { ...rest, simulated: "true" } : rest });
              }}
            />{" "}
            with {count(data.simulated)} requests that simulated providers answered: nothing was spent on them
          </label>
        </p>
      ) : null}
      {data.unpriced.length ? (
        <Card title="Without a known price">
          <ul class="plain">
            {data.unpriced.map((row) => (
              <li key={`${row.provider} ${row.resolved_model}`}>
                {name(row, "provider")} / {name(row, "resolved_model")}: {count(value(row, "unpriced_count"))} requests,
                not part of the cost above
              </li>
            ))}
          </ul>
        </Card>
      ) : null}
      <Card title={`Cost by ${dimension}`}>
        {series.columns.size ? (
          <Chart
            title={`Cost by ${dimension} and provider`}
            times={series.times}
            stack
            format={(n) => (n == null ? "–" : usd(n))}
            lines={[...series.columns].sort().map(([provider, values]) => ({ name: provider, values }))}
          />
        ) : (
          <p class="quiet">Nothing was spent.</p>
        )}
      </Card>
    </>
  );
}
