// What people call variants and metrics: the name where there is one, else the key.

export const metricTitle = (metric) => metric.name ?? metric.key;

export function variantTitle(experiment, key) {
  return experiment.variants.find((each) => each.key === key)?.name ?? key;
}
