/**
 * The client against services that run: BASE_URL, API_USERNAME and API_PASSWORD say where one is; tests/clients starts
 * each in turn. LIMITED_URL is one that allows five requests a second.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, PredictionClient, SignInError } from "../src/index.js";

const { BASE_URL = "", LIMITED_URL = "", API_USERNAME: username = "", API_PASSWORD: password = "" } = process.env;
const ROW = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87];
const client = new PredictionClient(BASE_URL, { username, password });

function refusal(status: number, error: string) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof ApiError, String(thrown));
    assert.deepEqual([thrown.status, thrown.error], [status, error]);
    assert.match(thrown.requestId ?? "", /^[\w.-]+$/);
    return true;
  };
}

test("every operation answers", async () => {
  const { prediction, model_version } = await client.predict(ROW);
  assert.equal((await client.predict(ROW)).prediction, prediction);
  assert.deepEqual((await client.batchPredict([ROW, ROW])).predictions, [prediction, prediction]);
  assert.equal((await client.modelInfo()).version, model_version);
  assert.equal((await client.modelInfo()).feature_names.length, ROW.length);
  assert.equal((await client.health()).status, "healthy");
  assert.equal((await client.ready()).model_version, model_version);
  assert.ok((await client.cacheStats()).entries >= 1);
  assert.ok((await client.cacheClear()).cleared >= 1);
  assert.match(await client.metrics(), /^http_requests_total\{/m);
});

test("many rows keep their order", async () => {
  const rows = Array.from({ length: 250 }, (_, i) => ROW.map((value, j) => value + ((i * (j + 1)) % 50)));
  async function* asynchronous() {
    yield* rows;
  }

  const predictions = await client.predictMany(rows);

  assert.equal(predictions.length, 250);
  assert.ok(new Set(predictions).size > 20);
  assert.deepEqual(await client.predictMany(asynchronous(), { concurrency: 3 }), predictions);
  for (const i of [0, 99, 100, 249]) assert.equal((await client.predict(rows[i]!)).prediction, predictions[i]);
});

test("what is wrong is said in the words of the contract", async () => {
  await assert.rejects(client.predict(ROW.slice(1)), refusal(400, "Expected 10 features"));
  await assert.rejects(client.predict([NaN, ...ROW.slice(1)]), refusal(400, "Feature 0 must be a number"));
  await assert.rejects(client.batchPredict([]), refusal(400, "Samples must not be empty"));
  await assert.rejects(client.batchPredict(Array(101).fill(ROW)), refusal(400, "Maximum 100 samples allowed"));
});

test("a wrong password is refused", async () => {
  const stranger = new PredictionClient(BASE_URL, { username, password: "wrong" });

  await assert.rejects(stranger.predict(ROW), (thrown) => thrown instanceof SignInError && thrown.status === 401);
});

test("requests beyond the limit are sent again when the service says so", async () => {
  const patient = new PredictionClient(LIMITED_URL, { username, password });
  const impatient = new PredictionClient(LIMITED_URL, { username, password, retries: { seconds: 0.1 } });
  const twelve = (client: PredictionClient) => Promise.all(Array.from({ length: 12 }, () => client.predict(ROW)));

  assert.equal((await twelve(patient)).length, 12);
  await assert.rejects(twelve(impatient), refusal(429, "Too many requests"));
});
