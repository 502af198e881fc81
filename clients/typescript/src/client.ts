import createClient, { type Client } from "openapi-fetch";

import { PredictionClientError, UnexpectedAnswerError } from "./errors.js";
import type { components, paths } from "./generated/api.js";
import { MAX_ROWS } from "./generated/limits.js";
import { DEFAULT_RETRIES, repeating, type Retries } from "./retries.js";
import { SignIn } from "./sign-in.js";

type Schemas = components["schemas"];

/** Ten numbers, unscaled, in the order of `feature_names` in `modelInfo()`. */
export type Row = readonly number[];

export interface Options {
  /** Of the user who asks; only calls that need a token need it. */
  username?: string;
  password?: string;
  /** How long one attempt may take; 30 if left out. */
  timeoutSeconds?: number;
  /** When a call is repeated; what is left out is as in `DEFAULT_RETRIES`. */
  retries?: Partial<Retries>;
  /** What sends requests; the `fetch` of the platform if left out. */
  fetch?: typeof fetch;
}

export type Call = {
  /** Ends the call, which then fails with the reason of the signal. */
  signal?: AbortSignal;
};

/**
 * The prediction API.
 *
 * Every method fails with ApiError if the service refused (SignInError if it refused to sign in), with NoAnswerError if
 * there was no answer, and with UnexpectedAnswerError if something else answers at this address.
 */
export class PredictionClient {
  readonly #anyone: Client<paths>;
  readonly #user: Client<paths>;
  readonly #credentials: Schemas["LoginRequest"] | undefined;

  /** Nothing is sent before the first call. */
  constructor(baseUrl: string, options: Options = {}) {
    const { username, password, timeoutSeconds = 30, retries, fetch = globalThis.fetch } = options;
    this.#credentials = username !== undefined && password !== undefined ? { username, password } : undefined;
    const send = repeating(fetch, { ...DEFAULT_RETRIES, ...retries }, timeoutSeconds);
    const signIn = new SignIn(() => this.#logIn());
    this.#anyone = createClient<paths>({ baseUrl, fetch: send });
    this.#user = createClient<paths>({ baseUrl, fetch: (request) => signIn.send(request, send) });
  }

  /** Predict one row. */
  async predict(features: Row, call: Call = {}): Promise<Schemas["PredictionResponse"]> {
    return right(this.#user.POST("/predict", { body: { features: [...features] }, ...call }));
  }

  /** Predict the rows of one request: as many as the API allows. */
  async batchPredict(samples: Iterable<Row>, call: Call = {}): Promise<Schemas["BatchPredictionResponse"]> {
    const body = { samples: Array.from(samples, (row) => [...row]) };
    const answer = await right(this.#user.POST("/batch-predict", { body, ...call }));
    if (answer.predictions?.length !== body.samples.length) {
      throw new UnexpectedAnswerError(`the answer does not have a prediction for each of ${body.samples.length} rows`);
    }
    return answer;
  }

  /**
   * Predict any number of rows, in as few requests as the API allows; the order is kept.
   *
   * @param rows an array or an iterator, also an asynchronous one, which is read batch by batch
   * @param call `concurrency` is how many requests are on their way at the same time, at most: 4 if left out
   */
  async predictMany(
    rows: Iterable<Row> | AsyncIterable<Row>,
    { concurrency = 4, signal }: Call & { concurrency?: number } = {},
  ): Promise<number[]> {
    if (!(concurrency >= 1)) throw new RangeError("concurrency must be at least 1");
    const failed = new AbortController();
    const call = { signal: signal ? AbortSignal.any([signal, failed.signal]) : failed.signal };
    const remaining = batches(rows);
    const predictions: number[][] = [];
    const work = async () => {
      for await (const [number, batch] of remaining) {
        predictions[number] = (await this.batchPredict(batch, call)).predictions;
      }
    };
    try {
      await Promise.all(Array.from({ length: concurrency }, work));
    } catch (error) {
      failed.abort(error);
      throw error;
    }
    return predictions.flat();
  }

  /** The origin and the quality of the model. */
  async modelInfo(call: Call = {}): Promise<Schemas["ModelInfo"]> {
    return right(this.#anyone.GET("/model-info", call));
  }

  /** Whether the process answers. */
  async health(call: Call = {}): Promise<Schemas["HealthResponse"]> {
    return right(this.#anyone.GET("/health", call));
  }

  /** Whether the service is ready for requests; an ApiError with status 503 if not, at once. */
  async ready(call: Call = {}): Promise<Schemas["ReadyResponse"]> {
    return right(this.#anyone.GET("/ready", call));
  }

  /** Size and counts of the cache, for the whole service. */
  async cacheStats(call: Call = {}): Promise<Schemas["CacheStats"]> {
    return right(this.#user.GET("/cache/stats", call));
  }

  /** Remove all cached predictions. */
  async cacheClear(call: Call = {}): Promise<Schemas["CacheClearResponse"]> {
    return right(this.#user.POST("/cache/clear", call));
  }

  /** The metrics of the service in the Prometheus text format. */
  async metrics(call: Call = {}): Promise<string> {
    return right(this.#anyone.GET("/metrics", { parseAs: "text", ...call }));
  }

  /** Answer a GraphQL query, where the service speaks GraphQL; with the user's token if there is one. */
  async graphql(query: Schemas["GraphQLRequest"], call: Call = {}): Promise<Schemas["GraphQLResponse"]> {
    return right((this.#credentials ? this.#user : this.#anyone).POST("/graphql", { body: query, ...call }));
  }

  async #logIn(): Promise<Schemas["LoginResponse"]> {
    if (!this.#credentials) {
      throw new PredictionClientError("this call needs a token: give the client a username and a password");
    }
    return right(this.#anyone.POST("/login", { body: this.#credentials }));
  }
}

/** The answer, which is no error: those are thrown before it is read. */
async function right<Answer>(answered: Promise<{ data?: Answer }>): Promise<Answer> {
  let data: Answer | undefined;
  try {
    ({ data } = await answered);
  } catch (error) {
    if (error instanceof SyntaxError) throw unexpected(error.message);
    throw error;
  }
  if (data === undefined || data === null) throw unexpected("it is empty");
  return data;
}

function unexpected(why: string): UnexpectedAnswerError {
  return new UnexpectedAnswerError(`the answer is not one of this API: ${why}`);
}

/** Rows in numbered batches as large as a request may have; no more rows are read than that. */
async function* batches(rows: Iterable<Row> | AsyncIterable<Row>): AsyncGenerator<[number, Row[]]> {
  let number = 0;
  let batch: Row[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length === MAX_ROWS) {
      yield [number++, batch];
      batch = [];
    }
  }
  if (batch.length > 0) yield [number, batch];
}
