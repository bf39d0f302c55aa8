// A server component: the variant is in the page that arrives, without a flash of another, and the key stays here.
import { headers } from "next/headers";
import { assignment } from "../experiments";

export default async function Page() {
  const visitor = (await headers()).get("x-visitor");
  const { config } = await assignment("checkout-button", visitor, { fallback: { color: "blue" } });
  return <form method="post" action="/buy"><button style={{ color: config.color }}>Buy</button></form>;
}
