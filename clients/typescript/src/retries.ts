/** When a request is sent again, and after how long. */

import { ApiError, errorOf, NoAnswerError, PredictionClientError } from "./errors.js";

/** How often and how long a call may be repeated; `attempts: 1` never repeats one. */
export interface Retries {
  /** How often a request is sent at most. */
  attempts: number;
  /** After which no attempt begins. A call whose next wait would end later fails at once. */
  seconds: number;
  /** Upper bound of the first random wait, in seconds; it doubles with each attempt. */
  firstWait: number;
  /** Upper bound of each random wait, in seconds. */
  longestWait: number;
}

export const DEFAULT_RETRIES: Retries = { attempts: 5, seconds: 60, firstWait: 0.5, longestWait: 10 };

// Sent twice, they do what they do sent once. /cache/clear is not among them: the second answer would say 0.
const SAFE_POSTS = ["/predict", "/batch-predict", "/graphql", "/login"];

/** A fetch that repeats requests and throws errors: who calls it sees right answers only. */
export function repeating(send: typeof fetch, retries: Retries, timeoutSeconds: number) {
  return async (request: Request): Promise<Response> => {
    const start = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendOnce(send, request.clone(), timeoutSeconds);
      } catch (error) {
        if (attempt >= retries.attempts || !mayRepeat(request, error)) throw error;
        const wait = waitAfter(error, attempt, retries);
        if ((performance.now() - start) / 1000 + wait >= retries.seconds) throw error;
        await sleep(wait, request.signal);
      }
    }
  };
}

async function sendOnce(send: typeof fetch, request: Request, timeoutSeconds: number): Promise<Response> {
  const time = AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = AbortSignal.any([request.signal, time]);
  try {
    const response = await send(request, { signal });
    if (!response.ok) throw await errorOf(response);
    // Read here, so that a connection that breaks in the middle is an attempt that failed.
    const { status, statusText, headers } = response;
    return new Response(await response.arrayBuffer(), { status, statusText, headers });
  } catch (error) {
    if (error instanceof PredictionClientError || request.signal.aborted) throw error;
    const why = time.aborted ? `none within ${timeoutSeconds} s` : reason(error);
    throw new NoAnswerError(`no answer from ${request.url}: ${why}`, { cause: error });
  }
}

function mayRepeat(request: Request, error: unknown): boolean {
  const path = new URL(request.url).pathname;
  if (error instanceof ApiError) return error.status === 429 || (error.status === 503 && !path.endsWith("/ready"));
  // fetch does not say whether a request was sent.
  const broken = error instanceof NoAnswerError && !isTimeout(error);
  return broken && (request.method === "GET" || SAFE_POSTS.some((post) => path.endsWith(post)));
}

function waitAfter(error: unknown, attempt: number, retries: Retries): number {
  if (error instanceof ApiError && error.retryAfter !== null) return error.retryAfter;
  return Math.random() * Math.min(retries.firstWait * 2 ** (attempt - 1), retries.longestWait);
}

function isTimeout(error: NoAnswerError): boolean {
  return error.cause instanceof DOMException && error.cause.name === "TimeoutError";
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
