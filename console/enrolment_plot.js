// Users who joined each day, by variant, against the pace that the plan needs.

import { axis, colour, legend, variantColour } from "./chart_library.js";
import { count, day } from "./format.js";
import { variantTitle } from "./naming.js";
import { plot } from "./plot.js";

export function enrolmentPlot(results, experiment) {
  const metric = results.time_series[0]?.metric;
  const steps = results.time_series.filter((row) => row.metric === metric);
  const days = [...new Set(steps.map((row) => row.start))];
  const variants = [results.control, ...Object.keys(results.enrolled).filter((key) => key !== results.control)];
  const joined = new Map(steps.map((row) => [`${row.start} ${row.variant}`, row.enrolled]));
  const pace = experiment.planned_users && experiment.min_days ? experiment.planned_users / experiment.min_days : null;
  return plot({
    title: "Enrolment per day",
    note: pace ? `The plan needs ${count(Math.ceil(pace))} users a day to reach ${count(experiment.planned_users)} in ${experiment.min_days} days.` : "Without planned users and days there is no pace to compare with.",
    name: `${results.experiment_id}-enrolment`,
    configure: () => configured(experiment, days, variants, joined, pace),
    rows: days.map((start) => ({ start, users: variants.map((key) => joined.get(`${start} ${key}`) ?? 0) })),
    columns: [
      { title: "Day", cell: (row) => day(row.start) },
      ...variants.map((key, index) => ({ title: variantTitle(experiment, key), number: true, cell: (row) => count(row.users[index]), plain: (row) => row.users[index] })),
      { title: "All", number: true, cell: (row) => count(row.users.reduce((sum, each) => sum + each, 0)), plain: (row) => row.users.reduce((sum, each) => sum + each, 0) },
    ],
  });
}

function configured(experiment, days, variants, joined, pace) {
  const datasets = variants.map((key, index) => ({ label: variantTitle(experiment, key), data: days.map((start) => joined.get(`${start} ${key}`) ?? 0), backgroundColor: variantColour(index), stack: "users", maxBarThickness: 44 }));
  if (pace) datasets.push({ label: "Pace of the plan", type: "line", data: days.map(() => pace), borderColor: colour("--ink"), borderDash: [6, 4], borderWidth: 1.5, pointRadius: days.length === 1 ? 4 : 0, pointStyle: "line", stack: "plan" });
  return {
    type: "bar",
    data: { labels: days.map(day), datasets },
    options: {
      scales: {
        x: axis("", { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } }),
        y: axis("Users", { stacked: true, beginAtZero: true, ticks: { precision: 0 } }),
      },
      plugins: { legend: legend() },
    },
  };
}
