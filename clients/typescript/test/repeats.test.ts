/** What is sent again, and how often the client signs in, with servers that answer as a test says. */

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { ApiError, NoAnswerError, PredictionClient, SignInError, UnexpectedAnswerError } from "../src/index.js";

const ROW = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87];
const PREDICTED = { prediction: 1.5, cached: false, model_version: "1" };
const PROMPT = { firstWait: 0.01, longestWait: 0.01 };

type Answer = (request: IncomingMessage, response: ServerResponse, times: number) => void;

function say(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}) {
  say(response, status, { error: "No", detail: null }, { "X-Request-ID": "r1", ...headers });
}

/** A server that signs anybody in, unless `answers` says something else; with how often each path was asked. */
async function serving(
  answers: Record<string, Answer>,
  use: (client: PredictionClient, asked: Map<string, number>) => Promise<void>,
  options: ConstructorParameters<typeof PredictionClient>[1] = {},
) {
  const asked = new Map<string, number>();
  const logIn: Answer = (_, response, times) => say(response, 200, { token: `t${times}`, token_type: "bearer", expires_in: 600 });
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const path = request.url ?? "";
      asked.set(path, (asked.get(path) ?? 0) + 1);
      (answers[path] ?? logIn)(request, response, asked.get(path)!);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const user = { username: "u", password: "p", retries: PROMPT, ...options };
    await use(new PredictionClient(`http://127.0.0.1:${port}`, user), asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers wrongly once, then rightly. */
function once(wrongly: Answer): Answer {
  return (request, response, times) => (times === 1 ? wrongly(request, response, times) : say(response, 200, PREDICTED));
}

for (const [name, wrongly] of Object.entries<Answer>({
  "429 with seconds": (_, response) => refuse(response, 429, { "Retry-After": "0" }),
  "503 with a date": (_, response) =>
    refuse(response, 503, { Date: "Sun, 29 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 29 Nov 2026 10:00:00 GMT" }),
  "503 without a header": (_, response) => refuse(response, 503),
  "503 of a proxy": (_, response) => response.writeHead(503).end("<h1>down</h1>"),
  "a connection that ends": (request) => request.socket.destroy(),
  "an answer that breaks off": (request, response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "100" }).write('{"pre');
    setTimeout(() => request.socket.destroy(), 20);
  },
})) {
  test(`${name} is repeated`, () =>
    serving({ "/predict": once(wrongly) }, async (client, asked) => {
      assert.equal((await client.predict(ROW)).prediction, 1.5);
      assert.equal(asked.get("/predict"), 2);
    }));
}

test("a wait is as long as the service says", () =>
  serving({ "/predict": once((_, response) => refuse(response, 429, { "Retry-After": "1" })) }, async (client) => {
    const start = performance.now();
    await client.predict(ROW);
    assert.ok(performance.now() - start > 950);
  }));

test("a wait that is too long fails at once", () =>
  serving({ "/predict": (_, response) => refuse(response, 429, { "Retry-After": "3600" }) }, async (client, asked) => {
    await assert.rejects(client.predict(ROW), (thrown) => thrown instanceof ApiError && thrown.retryAfter === 3600);
    assert.equal(asked.get("/predict"), 1);
  }));

test("attempts are counted", () =>
  serving({ "/predict": (_, response) => refuse(response, 503) }, async (client, asked) => {
    await assert.rejects(client.predict(ROW), ApiError);
    assert.equal(asked.get("/predict"), 5);
  }));

for (const status of [400, 404, 413, 500, 502]) {
  test(`${status} is not repeated`, () =>
    serving({ "/predict": (_, response) => refuse(response, status) }, async (client, asked) => {
      await assert.rejects(client.predict(ROW), (thrown) => thrown instanceof ApiError && thrown.status === status);
      assert.equal(asked.get("/predict"), 1);
    }));
}

test("/ready is asked once, and what must not be sent twice is not", () =>
  serving(
    { "/ready": (_, response) => refuse(response, 503), "/cache/clear": (request) => request.socket.destroy() },
    async (client, asked) => {
      await assert.rejects(client.ready(), ApiError);
      await assert.rejects(client.cacheClear(), NoAnswerError);
      assert.deepEqual([asked.get("/ready"), asked.get("/cache/clear")], [1, 1]);
    },
  ));

test("whoever takes too long is not asked again", () =>
  serving(
    { "/health": () => undefined },
    async (client, asked) => {
      await assert.rejects(client.health(), /no answer from .*: none within 0.1 s/);
      assert.equal(asked.get("/health"), 1);
    },
    { timeoutSeconds: 0.1 },
  ));

test("a call can be ended, also while it waits", () =>
  serving({ "/health": (_, response) => refuse(response, 429, { "Retry-After": "30" }) }, async (client) => {
    await assert.rejects(client.health({ signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
  }));

test("something else at this address is no answer of the API", () =>
  serving({ "/health": (_, response) => response.end("<h1>welcome</h1>") }, async (client) => {
    await assert.rejects(client.health(), UnexpectedAnswerError);
  }));

test("many calls sign in once, and again with a token that is refused", () => {
  const answer: Answer = (request, response) =>
    request.headers.authorization === "Bearer t2" ? say(response, 200, PREDICTED) : refuse(response, 401);
  return serving({ "/predict": answer }, async (client, asked) => {
    await Promise.all(Array.from({ length: 20 }, () => client.predict(ROW)));
    assert.equal(asked.get("/login"), 2);
  });
});

test("a token that is refused again is not renewed again", () =>
  serving({ "/predict": (_, response) => refuse(response, 401) }, async (client, asked) => {
    await assert.rejects(client.predict(ROW), (thrown) => thrown instanceof ApiError && thrown.status === 401);
    assert.deepEqual([asked.get("/predict"), asked.get("/login")], [2, 2]);
  }));

test("a sign-in that fails, fails for all who wait, once", () =>
  serving({ "/login": (_, response) => refuse(response, 401) }, async (client, asked) => {
    const ended = await Promise.allSettled(Array.from({ length: 10 }, () => client.predict(ROW)));
    assert.ok(ended.every((each) => each.status === "rejected" && each.reason instanceof SignInError));
    assert.equal(asked.get("/login"), 1);
  }));

test("a token is renewed in the last tenth of its life", () => {
  const brief: Answer = (_, response, times) => say(response, 200, { token: `t${times}`, token_type: "bearer", expires_in: 0.5 });
  return serving({ "/login": brief, "/predict": (_, response) => say(response, 200, PREDICTED) }, async (client, asked) => {
    const start = performance.now();
    while ((asked.get("/login") ?? 0) < 2) await client.predict(ROW);
    assert.ok(performance.now() - start >= 450);
    assert.ok(asked.get("/predict")! > 2, "and not for each call");
  });
});

test("one batch that fails ends the others", () =>
  serving({ "/batch-predict": (_, response) => refuse(response, 500) }, async (client, asked) => {
    await assert.rejects(client.predictMany(Array(1000).fill(ROW), { concurrency: 2 }), ApiError);
    assert.ok(asked.get("/batch-predict")! <= 2);
  }));

test("without a user only open calls work", () =>
  serving(
    { "/health": (_, response) => say(response, 200, { status: "healthy" }) },
    async (client) => {
      assert.equal((await client.health()).status, "healthy");
      await assert.rejects(client.predict(ROW), /needs a token/);
    },
    { username: undefined as never },
  ));
