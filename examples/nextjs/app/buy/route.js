// A route handler: takes an order and says that there was a purchase; the order's number keeps it from counting twice.
import { randomUUID } from "node:crypto";
import { track } from "../../experiments";

export async function POST(request) {
  const order = new URL(request.url).searchParams.get("order") ?? randomUUID();
  try {
    await track(request.headers.get("x-visitor"), "purchase", { value: 12.5, eventId: `order-${order}` });
  } catch {
    // The order is taken all the same.
  }
  return new Response("Thank you.", { status: 201 });
}
