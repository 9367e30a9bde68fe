import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { stacked } from "../lib/series";

export interface Line {
  name: string;
  values: (number | null)[];
  /** A variable of the style sheet, such as `--good`; without it the next one of the palette. */
  color?: string;
}

interface Props {
  title: string;
  /** Unix seconds. */
  times: number[];
  lines: Line[];
  format: (value: number | null) => string;
  /** Areas on top of each other. */
  stack?: boolean;
  threshold?: { value: number; label: string } | undefined;
  /** Called with Unix seconds when a range is chosen with the pointer. */
  onZoom?: (from: number, to: number) => void;
  height?: number;
}

const PALETTE = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--c8"];

/** The palette's colour for a name: the same on every page. */
export function colorOf(index: number): string {
  return PALETTE[index % PALETTE.length] ?? "--c1";
}

/** Places of values without a neighbour. */
function isolated(values: (number | null)[]): number[] {
  return [...values.keys()].filter((at) => values[at] != null && values[at - 1] == null && values[at + 1] == null);
}

const variable = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Lines or stacked areas over time, with axes, legend, zoom by dragging, and a table of the same figures for screen readers. */
export function Chart({ title, times, lines, format, stack, threshold, onZoom, height = 200 }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const key = JSON.stringify([times, lines, threshold, stack]);

  useEffect(() => {
    const element = host.current;
    if (!element || !times.length) return;
    const bars = uPlot.paths.bars?.({ size: [0.8, 64] });
    const draw = () => {
      element.replaceChildren();
      const colors = lines.map((line, index) => variable(line.color ?? colorOf(index)));
      const drawn = stack ? stacked(lines.map((line) => line.values)) : lines.map((line) => line.values);
      // The last sum covers all others, so it is drawn first.
      const order = stack ? [...lines.keys()].reverse() : [...lines.keys()];
      const data = [times, ...order.map((index) => drawn[index] ?? [])] as uPlot.AlignedData;
      const series: uPlot.Series[] = [
        { value: (_, at) => (at == null ? "" : new Date(at * 1000).toLocaleString()) },
        ...order.map((index): uPlot.Series => {
          const color = colors[index] ?? "#888";
          return {
            label: lines[index]?.name ?? "",
            stroke: color,
            width: stack ? 0 : 1.5,
            ...(stack ? { fill: color } : {}),
            // A value between two gaps has no line: a point shows it.
            points: {
              show: !stack,
              size: 5,
              fill: color,
              filter: (_, index) => isolated(lines[order[index - 1] ?? 0]?.values ?? []),
            },
            ...(stack && bars ? { paths: bars } : {}),
            value: (_, __, ___, at) => (at == null ? "" : format(lines[index]?.values[at] ?? null)),
          };
        }),
      ];
      const axis: uPlot.Axis = {
        stroke: variable("--quiet"),
        grid: { stroke: variable("--line"), width: 1 },
        ticks: { show: false },
        font: "12px system-ui, sans-serif",
      };
      new uPlot(
        {
          width: element.clientWidth || 300,
          height,
          series,
          axes: [
            { ...axis, space: 70 },
            { ...axis, size: 64, values: (_, values) => values.map((value) => format(value)) },
          ],
          scales: {
            y: {
              range: (_, min, max) => [
                Math.min(0, min),
                Math.max(max, (threshold?.value ?? 0) * 1.1, Number.EPSILON) * 1.05,
              ],
            },
          },
          cursor: { drag: { x: true, y: false, setScale: false } },
          legend: { live: true },
          hooks: {
            setSelect: [
              (plot) => {
                if (plot.select.width < 4) return;
                const from = plot.posToVal(plot.select.left, "x");
                const to = plot.posToVal(plot.select.left + plot.select.width, "x");
                plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                zoom.current?.(from, to);
              },
            ],
            draw: threshold
              ? [
                  (plot) => {
                    const y = plot.valToPos(threshold.value, "y", true);
                    plot.ctx.save();
                    plot.ctx.strokeStyle = variable("--bad");
                    plot.ctx.setLineDash([6, 4]);
                    plot.ctx.beginPath();
                    plot.ctx.moveTo(plot.bbox.left, y);
                    plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
                    plot.ctx.stroke();
                    plot.ctx.restore();
                  },
                ]
              : [],
          },
        },
        data,
        element,
      );
    };
    draw();
    const resized = new ResizeObserver(draw);
    resized.observe(element.parentElement ?? element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
    };
  }, [key]);

  const totals = useMemo(
    () => lines.map((line) => [line.name, format(line.values.findLast((value) => value != null) ?? null)] as const),
    [lines, format],
  );
  return (
    <figure class="chart">
      <figcaption class="visually-hidden">
        {title}. Latest: {totals.map(([name, value]) => `${name} ${value}`).join(", ")}
        {threshold ? `. ${threshold.label}` : ""}
      </figcaption>
      <div ref={host} aria-hidden="true" style={{ minHeight: `${height}px` }} />
      {threshold ? <p class="quiet small-text">– – {threshold.label}</p> : null}
    </figure>
  );
}

/** A line without axes, beside a figure. */
export function Sparkline({ values }: { values: (number | null)[] }) {
  const known = values.map((value) => value ?? 0);
  if (known.length < 2) return null;
  const top = Math.max(...known, Number.EPSILON);
  const points = known
    .map((value, index) => `${(index / (known.length - 1)) * 100},${24 - (value / top) * 22}`)
    .join(" ");
  return (
    <svg class="sparkline" viewBox="0 0 100 25" preserveAspectRatio="none" aria-hidden="true">
      <polyline
        points={points}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}
