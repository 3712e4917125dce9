// Compiled against the types that openapi-typescript makes of docs/openapi.json, then run against a real server.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Webhook = components["schemas"]["Webhook"];

const client = createClient<paths>({
  baseUrl: process.env.CLARION_URL ?? "",
  headers: { Authorization: `Bearer ${process.env.CLARION_API_KEY}` },
});

const published = await client.POST("/api/events", {
  params: { header: { "Idempotency-Key": "smoke-1" } },
  body: { type: "order.created", data: { order: 1001 }, id: "order-1001" },
});
const created = await client.POST("/api/webhooks", {
  body: {
    url: "https://receiver.example/hook",
    event_types: ["order.*"],
    retry_policy: { schedule: [1, 2] },
    auth: { type: "basic", username: "u", password: "p" },
  },
});
if (!created.data) throw new Error(created.error.detail);
const secret: string = created.data.secret;
const listed = await client.GET("/api/webhooks", { params: { query: { status: "active", limit: 10 } } });
const webhooks: Webhook[] = listed.data?.results ?? [];
// @ts-expect-error: a body without its type does not compile
const refused = await client.POST("/api/events", { body: { data: 1 } });

console.log(
  JSON.stringify({
    published: published.data,
    secret: secret.startsWith("whsec_"),
    webhooks: webhooks.map((webhook) => webhook.url),
    refused: refused.error?.errors?.map((fault) => fault.pointer),
  }),
);
