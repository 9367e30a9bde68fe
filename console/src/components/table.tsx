import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";

export interface Column<T> {
  title: string;
  /** What the cell shows. */
  cell: (row: T) => ComponentChildren;
  /** What the column is sorted by; without it the column cannot be sorted. */
  sort?: (row: T) => number | string | null | undefined;
  /** Figures stand on the right. */
  figure?: boolean;
  /** Left out on narrow screens. */
  wide?: boolean;
}

interface Props<T> {
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  label: string;
  empty?: ComponentChildren;
  /** A row of sums below. */
  footer?: ComponentChildren[];
  onOpen?: (row: T) => void;
}

/** A table whose columns can be sorted. It scrolls by itself where the screen is narrow. */
export function Table<T>({ columns, rows, rowKey, label, empty, footer, onOpen }: Props<T>) {
  const [order, setOrder] = useState<{ index: number; down: boolean } | undefined>();
  const sorted = useMemo(() => {
    const by = order && columns[order.index]?.sort;
    if (!order || !by) return rows;
    const sign = order.down ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [x, y] = [by(a), by(b)];
      // What has no value stands at the end, whichever way round.
      if (x == null || y == null) return x == null ? (y == null ? 0 : 1) : -1;
      return x < y ? -sign : x > y ? sign : 0;
    });
  }, [rows, columns, order]);

  if (!rows.length && empty) return <>{empty}</>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <div class="scroll" tabIndex={0} role="region" aria-label={`${label}, table`}>
      <table>
        <thead>
          <tr>
            {columns.map((column, index) => {
              const state = order?.index === index ? (order.down ? "descending" : "ascending") : undefined;
              return (
                <th key={column.title} scope="col" class={classOf(column)} aria-sort={state}>
                  {column.sort ? (
                    <button
                      type="button"
                      class="sort"
                      onClick={() => setOrder({ index, down: state !== "descending" })}
                    >
                      {column.title}
                      <span aria-hidden="true">
                        {state === "descending" ? " ↓" : state === "ascending" ? " ↑" : ""}
                      </span>
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr
              key={rowKey(row)}
              class={onOpen ? "opens" : undefined}
              onClick={onOpen ? (event) => !(event.target as Element).closest("a, button") && onOpen(row) : undefined}
            >
              {columns.map((column) => (
                <td key={column.title} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {footer ? (
          <tfoot>
            <tr>
              {footer.map((cell, index) => (
                <td key={columns[index]?.title ?? index} class={classOf(columns[index])}>
                  {cell}
                </td>
              ))}
            </tr>
          </tfoot>
        ) : null}
      </table>
    </div>
  );
}

function classOf<T>(column: Column<T> | undefined): string | undefined {
  return [column?.figure && "figure", column?.wide && "wide"].filter(Boolean).join(" ") || undefined;
}
