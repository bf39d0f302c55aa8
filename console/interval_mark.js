// Estimates with their intervals drawn within a table: one axis for every row of it.

import { signedPercent } from "./format.js";
import { svg } from "./icons.js";

const LEAST = -1; // a rate cannot fall by more than all of it
const MOST = 3;
const STEPS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1];
const FARTHER = 2.5; // than the median row's end: beyond it an interval leaves the drawing with an arrow

// `rows` are { estimate, interval }, shares of the control's; returns { at(value) in percent, ticks, from, to }.
export function sharedAxis(rows, mostTicks = 5) {
  const drawn = rows.filter((row) => row.interval);
  const ends = drawn.map((row) => Math.max(...row.interval.map(Math.abs))).sort((one, other) => one - other);
  const usual = ends.length ? FARTHER * ends[Math.floor(ends.length / 2)] : 0.1;
  const inside = drawn.flatMap((row) => [...row.interval.map((end) => Math.max(-usual, Math.min(usual, end))),
      row.estimate]);
  const from = Math.max(LEAST, Math.min(0, ...inside));
  const to = Math.min(MOST, Math.max(0, ...inside));
  const room = 0.05 * (to - from || 0.1);
  const step = STEPS.find((each) => (to - from) / each <= mostTicks) ?? STEPS.at(-1);
  const ticks = [];
  for (let tick = Math.ceil((from - room) / step); tick * step <= to + room; tick += 1) ticks.push(tick * step);
  const low = from - room;
  const width = to - from + 2 * room;
  return { from: low, to: low + width, ticks,
    at: (value) => Math.min(100, Math.max(0, (100 * (value - low)) / width)) };
}

const share = (value) => `${value.toFixed(2)}%`;

// What stands above the column: the ticks of its axis.
export function axisMark(axis) {
  return svg("svg", { class: "interval ticks", "aria-hidden": "true" }, axis.ticks.map((tick) =>
    svg("text", { x: share(axis.at(tick)), y: 13, "text-anchor": "middle" },
      signedPercent(tick, axis.ticks[1] - axis.ticks[0] < 0.01 ? 1 : 0))));
}

// A row's drawing; `ink` is the variant's colour class. The figures stand beside it, so it is hidden from readers.
export function intervalMark(axis, { estimate, interval, ink }) {
  const grid = axis.ticks.map((tick) => svg("line",
      { class: Math.abs(tick) < 1e-9 ? "zero" : "grid", x1: share(axis.at(tick)), x2: share(axis.at(tick)), y1: 0,
        y2: "100%" }));
  if (!interval) return svg("svg", { class: "interval", "aria-hidden": "true" }, grid);
  const [from, to] = interval.map(axis.at);
  const arrow = (place, path) => svg("svg", { x: share(place), y: "50%", overflow: "visible" },
    svg("path", { d: path, fill: "currentColor" }));
  return svg("svg", { class: `interval ${ink}`, "aria-hidden": "true" }, grid,
    svg("rect", { class: "span", x: share(from), width: share(Math.max(0.5, to - from)), y: "50%", height: 12, rx: 3,
        transform: "translate(0 -6)" }),
    interval[0] < axis.from ? arrow(0, "M0 0l7-6v12z") : null,
    interval[1] > axis.to ? arrow(100, "M0 0l-7-6v12z") : null,
    svg("circle", { cx: share(axis.at(estimate)), cy: "50%", r: 5 }));
}
