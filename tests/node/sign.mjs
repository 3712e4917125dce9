// Cases as JSON on stdin; for each one the headers that a library signs with, or whether it accepts, on stdout.
import fs from "node:fs";
import "@shopify/shopify-api/adapters/node";
import { shopifyApi } from "@shopify/shopify-api";
import { Webhooks } from "@octokit/webhooks";
import { Webhook as Standard } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as Svix } from "svix";

const stripe = new Stripe("none");

function standard(Library, prefix, given) {
  const signature = new Library(given.secret).sign("msg_1", new Date(given.now * 1000), given.body);
  return { [`${prefix}-id`]: "msg_1", [`${prefix}-timestamp`]: String(given.now), [`${prefix}-signature`]: signature };
}

async function shopify(given) {
  const api = shopifyApi({
    apiKey: "key", apiSecretKey: given.secret, apiVersion: "2025-07", hostName: "app.example", isEmbeddedApp: false,
    logger: { log: () => {} },
  });
  const headers = {
    "x-shopify-topic": "orders/create", "x-shopify-api-version": "2025-07", "x-shopify-webhook-id": "w",
    "x-shopify-shop-domain": "shop.myshopify.com", "x-shopify-hmac-sha256": given.signature,
  };
  const answer = await api.webhooks.validate({
    rawBody: given.body, rawRequest: { headers, method: "POST", url: "/" }, rawResponse: {},
  });
  return answer.valid;
}

const signers = {
  octokit: async (given) => ({
    "X-Hub-Signature-256": await new Webhooks({ secret: given.secret }).sign(given.body),
  }),
  stripe: (given) => ({
    "Stripe-Signature": stripe.webhooks.generateTestHeaderString({
      payload: given.body, secret: given.secret, timestamp: given.now,
    }),
  }),
  standardwebhooks: (given) => standard(Standard, "webhook", given),
  svix: (given) => standard(Svix, "svix", given),
  shopify,
};

const answers = [];
for (const given of JSON.parse(fs.readFileSync(0))) {
  try {
    answers.push(await signers[given.library](given));
  } catch (error) {
    answers.push(String(error));
  }
}
console.log(JSON.stringify(answers));
