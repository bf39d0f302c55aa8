// Users who joined each day, by variant, against what is still needed each day.

import { axis, colour, legend, variantColour } from "./chart_library.js";
import { count, shortDay, utcDay } from "./format.js";
import { variantTitle } from "./naming.js";
import { plot } from "./plot.js";
import { placeOf } from "./variant_mark.js";

export function enrolmentPlot(results, experiment) {
  const metric = results.time_series[0]?.metric;
  const steps = results.time_series.filter((row) => row.metric === metric);
  const days = [...new Set(steps.map((row) => row.start))];
  const variants = [results.control, ...Object.keys(results.enrolled).filter((key) => key !== results.control)];
  const joined = new Map(steps.map((row) => [`${row.start} ${row.variant}`, row.enrolled]));
  const users = (start) => variants.map((key) => joined.get(`${start} ${key}`) ?? 0);
  const all = (start) => users(start).reduce((sum, each) => sum + each, 0);
  const pace = needed(experiment, results);
  return plot({
    title: "Enrolment per day",
    note: pace.text,
    name: `${results.experiment_id}-enrolment`,
    configure: () => configured(experiment, days, variants, joined, pace.perDay, Math.max(...days.map(all))),
    rows: days.map((start) => ({ start, users: users(start) })),
    columns: [
      { title: "Day", cell: (row) => utcDay(row.start), plain: (row) => row.start.slice(0, 10) },
      ...variants.map((key, index) => ({ title: variantTitle(experiment, key), number: true,
            cell: (row) => count(row.users[index]), plain: (row) => row.users[index] })),
      { title: "All", number: true, cell: (row) => count(row.users.reduce((sum, each) => sum + each, 0)),
        plain: (row) => row.users.reduce((sum, each) => sum + each, 0) },
    ],
  });
}

// What is still needed a day, where the plan says so.
function needed(experiment, results) {
  const enrolled = Object.values(results.enrolled).reduce((sum, each) => sum + each, 0);
  const planned = experiment.planned_users;
  if (!planned) return { perDay: null, text: "No number of users is planned." };
  if (enrolled >= planned) return { perDay: null, text: `All ${count(planned)} planned users take part.` };
  const missing = planned - enrolled;
  const days = results.recommendation?.days_left;
  if (!days || experiment.status !== "running") return { perDay: null,
    text: `${count(enrolled)} of ${count(planned)} planned users take part.` };
  const perDay = Math.ceil(missing / days);
  return { perDay,
    text: `${count(enrolled)} of ${count(planned)} planned users take part; the others join in ${days} more day${days === 1 ? "" : "s"} at ${count(perDay)} a day.` };
}

function configured(experiment, days, variants, joined, pace, highest) {
  const datasets = variants.map((key) => ({ label: variantTitle(experiment, key),
        data: days.map((start) => joined.get(`${start} ${key}`) ?? 0),
        backgroundColor: variantColour(placeOf(experiment, key)), stack: "users", maxBarThickness: 36,
        borderRadius: 2 }));
  const inSight = pace && pace <= 1.5 * highest; // a line far above would press the bars flat; the text says it
  if (inSight) datasets.push({ label: "Needed", type: "line", data: days.map(() => pace), borderColor: colour("--ink"),
      borderDash: [6, 4], borderWidth: 1.5, pointRadius: days.length === 1 ? 4 : 0, pointStyle: "line",
      stack: "plan" });
  return {
    type: "bar",
    data: { labels: days.map(shortDay), datasets },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: axis("", { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 24 } }),
        y: axis("", { stacked: true, beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 6 } }),
      },
      plugins: { legend: legend(),
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label} ${count(item.raw)}` } } },
    },
  };
}
