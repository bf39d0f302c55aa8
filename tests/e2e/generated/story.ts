// Create, start, assign, send and read, with the types of the OpenAPI document: it has to compile in strict mode.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const [, , baseUrl, token, id] = process.argv as [string, string, string, string, string];
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const path = { experiment_id: id };

function told<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const draft = told(await api.POST("/experiments", {
  body: {
    id,
    name: "Generated client",
    variants: [{ key: "control", weight: 50 }, { key: "treatment", weight: 50 }],
    metrics: [{ key: "bought", event_type: "purchase", role: "primary" }],
  },
}));
await api.POST("/experiments/{experiment_id}/status", { params: { path }, body: { status: "running" } });
const assigned = told(await api.POST("/experiments/{experiment_id}/assignments", { params: { path }, body: { user_id: "u1" } }));
const accepted = told(await api.POST("/events/batch", { body: { events: [{ user_id: "u1", type: "purchase" }] } }));
const results = told(await api.GET("/experiments/{experiment_id}/results", { params: { path, query: { format: "summary" } } }));
const refused = await api.GET("/experiments/{experiment_id}", { params: { path: { experiment_id: "no-such" } } });

const status = "status" in results ? results.status : "unread"; // the answer is one of three, by `format`
console.log(draft.version, status, assigned.enrolled, accepted.accepted, refused.error?.status);
