// Cases as JSON on stdin, one answer (true, or what was thrown) for each on stdout.
import crypto from "node:crypto";
import fs from "node:fs";
import { Webhooks } from "@octokit/webhooks";
import { Webhook as Standard } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as Svix } from "svix";

const stripe = new Stripe("none");
const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410, before the 32 bytes of the key

const verifiers = {
  standardwebhooks: (given, body) => Boolean(new Standard(given.secret).verify(body, given.headers)),
  svix: (given, body) => Boolean(new Svix(given.secret).verify(body, given.headers)),
  octokit: (given, body) => new Webhooks({ secret: given.secret }).verify(body, given.headers["x-hub-signature-256"]),
  stripe: (given, body) =>
    Boolean(stripe.webhooks.constructEvent(body, given.headers["stripe-signature"], given.secret)),
  ed25519: (given, body) => {
    const raw = Buffer.concat([SPKI, Buffer.from(given.secret, "base64url")]);
    const key = crypto.createPublicKey({ key: raw, format: "der", type: "spki" });
    const content = `${given.headers["webhook-id"]}.${given.headers["webhook-timestamp"]}.${body}`;
    const tokens = given.headers["webhook-signature"].split(" ").filter((token) => token.startsWith("v1a,"));
    return tokens.some((token) => crypto.verify(null, Buffer.from(content), key, Buffer.from(token.slice(4), "base64")));
  },
};

const answers = [];
for (const given of JSON.parse(fs.readFileSync(0))) {
  try {
    answers.push(await verifiers[given.library](given, given.body));
  } catch (error) {
    answers.push(String(error));
  }
}
console.log(JSON.stringify(answers));
