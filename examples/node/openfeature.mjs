// The same by OpenFeature: EXPERIMENTS_URL=... EXPERIMENTS_KEY=exp_... node openfeature.mjs USER
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

const { EXPERIMENTS_URL, EXPERIMENTS_KEY, EXPERIMENTS_TIMEOUT_MS = "500" } = process.env;

await OpenFeature.setProviderAndWait(new OFREPProvider({
  baseUrl: EXPERIMENTS_URL,
  headers: [["X-API-Key", EXPERIMENTS_KEY]],
  timeoutMs: Number(EXPERIMENTS_TIMEOUT_MS),
}));
const client = OpenFeature.getClient();
const user = { targetingKey: process.argv[2], country: "DE" };
console.log((await client.getObjectValue("checkout-button", { color: "blue" }, user)).color);
await OpenFeature.close();
