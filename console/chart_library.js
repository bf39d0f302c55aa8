// Loads Chart.js when the first plot is shown, and sets what all plots share.

let loading = null;

export function chartLibrary() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("./chart.js", import.meta.url).href;
    script.onload = () => resolve(prepared(window.Chart));
    script.onerror = () => reject(new Error("The charting library cannot be loaded."));
    document.head.append(script);
  });
  return loading;
}

function prepared(Chart) {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.plugins.legend.position = "bottom";
  Chart.defaults.plugins.legend.align = "start";
  Object.assign(Chart.defaults.plugins.tooltip,
    { displayColors: true, usePointStyle: true, backgroundColor: "#16181d", boxWidth: 8, boxHeight: 8, boxPadding: 4,
      padding: 10, cornerRadius: 8 });
  Chart.register(background);
  return Chart;
}

const PRINTED = { "--surface": "#ffffff", "--ink": "#16181d", "--ink-soft": "#5a5e67", "--line": "#e4e4df",
  "--plot-control": "#767b86", "--plot-1": "#4a3fd4", "--plot-2": "#c2570c", "--plot-3": "#0d7a70",
  "--plot-4": "#b0307f", "--plot-5": "#5a7a0d" };
let printing = false;

export const setPrinting = (value) => { printing = value; };

// The value of a colour of tokens.css as it is now; on paper, the light one.
export function colour(name) {
  return printing ? PRINTED[name] : getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export const variantColour = (index) => colour(index === 0 ? "--plot-control" : `--plot-${((index - 1) % 5) + 1}`);

export function faded(hex, share) {
  return `${hex}${Math.round(share * 255).toString(16).padStart(2, "0")}`;
}

// A picture that is saved has the page's background, or its text could not be read.
const background = {
  id: "background",
  beforeDraw(chart) {
    const { ctx, width, height } = chart;
    ctx.save();
    ctx.fillStyle = colour("--surface");
    ctx.fillRect(0, 0, width, height);
    ctx.restore();
  },
};

export function axis(title, more = {}) {
  const { ticks, ...rest } = more;
  return { title: { display: Boolean(title), text: title, color: colour("--ink-soft") },
    grid: { color: colour("--line") }, border: { color: colour("--line") },
    ticks: { color: colour("--ink-soft"), ...ticks }, ...rest };
}

export const legend = (more = {}) => ({ labels: { color: colour("--ink-soft"), usePointStyle: true,
      pointStyle: "circle", boxWidth: 7, boxHeight: 7, ...more } });
