// Bars a day, stacked by group, on uPlot. Colours are read from the page, so that the chart follows the theme.

import { h } from "./dom.js";
import { startOfDay } from "./days.js";
import { money, short, symbol } from "./format.js";
import { t } from "./page.js";

const SERIES = 6; // the colours that there are; what is beyond goes into one group of its own
const HEIGHT = 260;
const AXIS_DIGIT = 8; // the width of a digit on the axis, generously, and what stands beside the digits
const AXIS_EDGE = 12;

const measured = {
  tokens: (row) => row.prompt_tokens + row.completion_tokens,
  requests: (row) => row.requests,
  price: (row) => Number(row.price),
  cost: (row) => Number(row.cost),
  margin: (row) => Number(row.margin),
};

/** Groups as `[name, values of each day]`, largest first; small ones beyond the colours are summed as "others". */
export function series(days, rows, measure, nameOf) {
  const groups = new Map();
  for (const row of rows) {
    const name = nameOf(row);
    if (!groups.has(name))
      groups.set(
        name,
        days.map(() => 0),
      );
    const at = days.indexOf(row.keys.day);
    if (at >= 0) groups.get(name)[at] += measured[measure](row);
  }
  const total = (values) => values.reduce((sum, value) => sum + value, 0);
  const sorted = [...groups].sort(([, a], [, b]) => total(b) - total(a));
  if (sorted.length <= SERIES) return sorted;
  const rest = sorted.slice(SERIES - 1);
  return [
    ...sorted.slice(0, SERIES - 1),
    [t("usage.others", { n: rest.length }), days.map((_, at) => total(rest.map(([, values]) => values[at])))],
  ];
}

/** Each series with all before it added, so that bars drawn from the last to the first look stacked. */
export function stacked(groups) {
  let below = null;
  return groups.map(([, values]) => (below = values.map((value, at) => value + (below?.[at] ?? 0))));
}

/** The chart with its legend. It is drawn when it is on the page and anew when its width or the theme changes. */
export function dayChart(days, rows, measure, nameOf) {
  const groups = series(days, rows, measure, nameOf);
  const currency = rows[0]?.currency ?? "";
  const format = ["price", "cost", "margin"].includes(measure)
    ? (value, step = null) => moneyText(value, step, currency)
    : short;
  const place = h("div", {
    class: "chart",
    role: "img",
    "aria-label": t("usage.chart_alt", { measure: t(`usage.measure_${measure}`) }),
  });
  const legend = h(
    "ul",
    { class: "legend" },
    groups.map(([name], at) =>
      h(
        "li",
        {},
        h("span", { class: "swatch", vars: { "--swatch": `var(--series-${at + 1})` } }),
        h("span", {}, name),
        h("output", {}),
      ),
    ),
  );
  const day = h("p", { class: "legend-day faint" }, "\u00a0");
  let plot = null;
  const draw = () => {
    if (!place.isConnected || !place.clientWidth) return;
    plot?.destroy();
    plot = makePlot(place, days, groups, format, (at) => showPoint(at));
  };
  const showPoint = (at) => {
    day.textContent = at === null ? "\u00a0" : days[at];
    legend
      .querySelectorAll("output")
      .forEach((output, index) => (output.textContent = at === null ? "" : format(groups[index][1][at])));
  };
  new ResizeObserver(draw).observe(place);
  const onTheme = () => (place.isConnected ? draw() : window.removeEventListener("themechange", onTheme));
  window.addEventListener("themechange", onTheme);
  return [h("div", { class: "legend-line" }, legend, day), place];
}

/** An amount; on the axis with as many places as tell one `step` from the next. */
function moneyText(value, step, currency) {
  if (!step) return money(value.toFixed(9), currency);
  const places = Math.max(0, Math.ceil(-Math.log10(step)));
  return `${symbol(currency)}${value.toFixed(places)}`;
}

function makePlot(place, days, groups, format, onPoint) {
  const colour = (name) => {
    place.style.color = `var(--${name})`;
    const read = getComputedStyle(place).color;
    place.style.removeProperty("color");
    return read;
  };
  const axis = {
    stroke: colour("ink-faint"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(place).fontFamily}`,
  };
  const bars = window.uPlot.paths.bars({ size: [0.7, 48], align: 0, radius: 0.1 });
  const heights = stacked(groups);
  const drawn = groups.map((group, at) => ({ at, fill: colour(`series-${at + 1}`) })).reverse();
  return new window.uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: (_, min, max) => [min - 43_200, max + 43_200] },
        y: { range: (_, min, max) => [Math.min(0, min), (max || 1) * 1.06] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 30,
          space: 64,
          incrs: [86_400, 172_800, 432_000, 604_800, 1_209_600, 2_592_000],
          values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(5, 10)),
        },
        {
          ...axis,
          size: (_, labels) =>
            AXIS_EDGE + AXIS_DIGIT * Math.max(0, ...(labels ?? []).map((label) => label.length)),
          values: (_, ticks) => ticks.map((tick) => format(tick, ticks.at(-1) - ticks.at(-2))),
        },
      ],
      series: [
        {},
        ...drawn.map(({ fill }) => ({ fill, stroke: fill, width: 0, paths: bars, points: { show: false } })),
      ],
      hooks: { setCursor: [(self) => onPoint(self.cursor.idx ?? null)] },
    },
    [days.map((day) => startOfDay(day) / 1000), ...drawn.map(({ at }) => heights[at])],
    place,
  );
}
