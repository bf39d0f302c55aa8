// One plot: its title, the drawing, the same figures as a table, and all of it to save.

import { chartLibrary, setPrinting } from "./chart_library.js";
import { csv } from "./csv.js";
import { freshId, h, table } from "./dom.js";
import { menu } from "./menu.js";
import { SvgContext } from "./svg_context.js";

const PICTURE_WIDTH = 960;
const shown = new Set();

function redrawAll() {
  for (const each of shown) each.redraw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
window.addEventListener("beforeprint", () => { setPrinting(true); redrawAll(); });
window.addEventListener("afterprint", () => { setPrinting(false); redrawAll(); });

// `configure()` returns Chart.js's configuration; `columns` and `rows` are the table's, as in dom.js,
// where a column may have `plain(row)` for the CSV. Returns { element, leave }.
export function plot({ title, note, name, height = 260, configure, columns, rows, level = "h3" }) {
  const id = freshId("plot");
  const canvas = h("canvas", { role: "img", "aria-label": `${title}. The same figures are in the table below.` });
  const box = h("div", { class: "plot" }, canvas);
  box.style.height = `${height}px`;
  const data = h("details", {}, h("summary", {}, "Show as a table"),
    table(title, columns, rows, { hideCaption: true }));
  const element = h("figure", { "aria-labelledby": id },
    h("figcaption", {}, h("div", { class: "row apart start keep" }, h(level, { id }, title),
        saving({ title, name, height, configure, columns, rows })),
      note ? h("p", { class: "small soft" }, note) : null),
    box, data);
  const drawing = { chart: null, redraw: () => {} };
  chartLibrary().then((Chart) => {
    if (drawing.left) return;
    drawing.redraw = () => {
      drawing.chart?.destroy();
      drawing.chart = new Chart(canvas, configure());
    };
    drawing.redraw();
    shown.add(drawing);
  });
  const leave = () => { drawing.left = true; drawing.chart?.destroy(); shown.delete(drawing); };
  return { element, leave };
}

// The menu that saves a plot as SVG and PNG, and its figures as CSV.
export function saving({ title, name, height, configure, columns, rows }) {
  const item = (kind, label, save) => h("button",
    { type: "button", "aria-label": `Save ${title} as ${kind}`, onclick: save }, label);
  return menu("Save", [
    item("SVG", "Picture, SVG", async () => save(new Blob([await vector(configure, height)], { type: "image/svg+xml" }),
        `${name}.svg`)),
    item("PNG", "Picture, PNG", async () => (await raster(configure, height))
      .toBlob((blob) => save(blob, `${name}.png`), "image/png")),
    item("CSV", "Figures, CSV", () => sheet(columns, rows, name)),
  ], { class: "button little", "aria-label": `Save ${title}` });
}

async function vector(configure, height) {
  const context = new SvgContext(PICTURE_WIDTH, height);
  const Chart = await chartLibrary();
  const configuration = configure();
  configuration.platform = Chart.platforms.BasicPlatform;
  configuration.options = { ...configuration.options, responsive: false, devicePixelRatio: 1, events: [] };
  for (const each of configuration.data.datasets) each.segment = {}; // lines are drawn on the context, not kept as a Path2D
  const chart = new Chart(context.canvas, configuration);
  context.out = [];
  context.defs = [];
  chart.draw();
  const text = context.text();
  chart.destroy();
  return text;
}

async function raster(configure, height) {
  const Chart = await chartLibrary();
  const canvas = h("canvas", { width: PICTURE_WIDTH, height });
  const configuration = configure();
  configuration.options = { ...configuration.options, responsive: false, devicePixelRatio: 2, events: [] };
  const chart = new Chart(canvas, configuration);
  chart.draw();
  const copy = h("canvas", { width: canvas.width, height: canvas.height });
  copy.getContext("2d").drawImage(canvas, 0, 0);
  chart.destroy();
  return copy;
}

function sheet(columns, rows, name) {
  const lines = [columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => (column.plain ?? column.cell)(row)))];
  save(new Blob([csv(lines)], { type: "text/csv" }), `${name}.csv`);
}

export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
