// A shop with Express: EXPERIMENTS_URL=... EXPERIMENTS_KEY=exp_... PORT=8080 node server.mjs
import { randomUUID } from "node:crypto";
import express from "express";
import { assignment, track } from "./experiments.mjs";

const app = express();
app.use(express.json());

// The id in the visitor's cookie, or a new one.
app.use((request, response, next) => {
  const cookies = new Map((request.headers.cookie ?? "").split("; ").map((each) => each.split("=")));
  request.visitor = cookies.get("visitor") ?? randomUUID();
  response.cookie("visitor", request.visitor, { maxAge: 365 * 86_400_000, httpOnly: true, sameSite: "lax" });
  next();
});

app.get("/", async (request, response) => {
  const { config } = await assignment("checkout-button", request.visitor, { fallback: { color: "blue" } });
  response.send(`<form method="post" action="/orders/1"><button style="color: ${config.color}">Buy`);
});

// For scripts in a page: they ask this server, which knows the key and takes the user from the cookie alone.
const OPEN = new Set(["checkout-button"]);
app.get("/experiments/:id", async (request, response) => {
  if (!OPEN.has(request.params.id)) return response.sendStatus(404);
  return response.json(await assignment(request.params.id, request.visitor, { fallback: { color: "blue" } }));
});

app.post("/orders/:order", (request, response) => {
  track(request.visitor, "purchase", { value: 12.5, eventId: `order-${request.params.order}` });
  response.sendStatus(201);
});

const server = app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => console.log(`ready ${server.address().port}`));
