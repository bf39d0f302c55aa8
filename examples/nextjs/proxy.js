// Gives every visitor an id before a page is rendered: a server component can read a cookie and set none.
import { NextResponse } from "next/server";

export function proxy(request) {
  const visitor = request.cookies.get("visitor")?.value ?? crypto.randomUUID();
  const headers = new Headers(request.headers);
  headers.set("x-visitor", visitor); // over whatever a visitor sent
  const response = NextResponse.next({ request: { headers } });
  response.cookies.set("visitor", visitor, { maxAge: 365 * 86_400, httpOnly: true, sameSite: "lax" });
  return response;
}

export const config = { matcher: ["/", "/buy"] };
