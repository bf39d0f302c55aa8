// The JavaScript providers, of servers and of the web, against a running stack.
const assert = require("node:assert/strict");
const { OFREPProvider } = require("@openfeature/ofrep-provider");
const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
const { OpenFeature: Server } = require("@openfeature/server-sdk");
const { OpenFeature: Web } = require("@openfeature/web-sdk");

const { BASE_URL: baseUrl, AUTHORIZATION: authorization, USER_ON: user } = process.env;
const headers = [["Authorization", authorization]];
const context = { targetingKey: user, country: "DE" };

async function server() {
  await Server.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
  const client = Server.getClient();
  const details = await client.getObjectDetails("of-object", {}, context);
  assert.deepEqual([details.value, details.variant, details.reason], [{ color: "green" }, "on", "SPLIT"]);
  assert.deepEqual(details.flagMetadata, { enrolled: true });
  assert.equal(await client.getNumberValue("of-float", 0, { targetingKey: "qa-1" }), 10);
  assert.equal((await client.getStringDetails("of-nothing", "x", context)).errorCode, "FLAG_NOT_FOUND");
  assert.equal((await client.getStringDetails("of-string", "x", {})).errorCode, "TARGETING_KEY_MISSING");
  assert.equal((await client.getStringDetails("of-string", "x", { ...context, a: {} })).errorCode, "INVALID_CONTEXT");
}

async function web() {
  const answers = [];
  const fetchImplementation = async (request) => {
    const response = await fetch(request);
    answers.push(response.status);
    return response;
  };
  await Web.setContext(context);
  const provider = new OFREPWebProvider({ baseUrl, headers, fetchImplementation, pollInterval: 200, cacheMode: "disabled" });
  await Web.setProviderAndWait(provider);
  const client = Web.getClient();
  assert.deepEqual(client.getObjectDetails("of-object", {}).value, { color: "green" });
  assert.equal(client.getObjectDetails("of-object", {}).reason, "SPLIT");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.ok(answers.includes(304), `polls were answered ${answers}`);
  await Web.setContext({ targetingKey: "qa-1" });
  assert.equal(client.getObjectDetails("of-object", {}).reason, "TARGETING_MATCH");
  await Web.close();
}

server()
  .then(web)
  .then(() => {
    console.log("ok");
    process.exit(0);
  })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
