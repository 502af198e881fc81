/** What can go wrong with a call, as errors. */

import type { components } from "./generated/api.js";

/** Any error of this client. */
export class PredictionClientError extends Error {
  override name = "PredictionClientError";
}

/** There was no answer: no connection, or none that lasted, or the time was up. */
export class NoAnswerError extends PredictionClientError {
  override name = "NoAnswerError";
}

/** The answer is not one of this API: something else answers at this address. */
export class UnexpectedAnswerError extends PredictionClientError {
  override name = "UnexpectedAnswerError";
}

/** The service refused. */
export class ApiError extends PredictionClientError {
  override name = "ApiError";

  constructor(
    /** Of HTTP. */
    readonly status: number,
    /** In the words of the API, or those of HTTP if something before the service answered. */
    readonly error: string,
    /** More about it, if there is more. */
    readonly detail: string | null,
    /** Under which the service has it in its log. */
    readonly requestId: string | null,
    /** Seconds until the service wants to be asked again, if it says so. */
    readonly retryAfter: number | null,
  ) {
    super(`${status} ${error}${detail ? ` (${detail})` : ""}${requestId ? `, request ${requestId}` : ""}`);
  }
}

/** The service refused to sign the user in. */
export class SignInError extends ApiError {
  override name = "SignInError";

  constructor(cause: ApiError) {
    super(cause.status, cause.error, cause.detail, cause.requestId, cause.retryAfter);
  }
}

/** The error that an answer is. */
export async function errorOf(response: Response): Promise<ApiError> {
  const { error, detail } = bodyOf(await response.text());
  return new ApiError(
    response.status,
    error ?? (response.statusText || "unknown status"),
    detail ?? null,
    response.headers.get("X-Request-ID"),
    retryAfter(response.headers),
  );
}

function bodyOf(text: string): Partial<components["schemas"]["ErrorResponse"]> {
  try {
    const body: unknown = JSON.parse(text);
    const isError = typeof body === "object" && body !== null && "error" in body && "detail" in body;
    return isError ? (body as components["schemas"]["ErrorResponse"]) : {};
  } catch {
    return {};
  }
}

/** Seconds; a date counts from the date of the answer, because clocks may disagree. */
function retryAfter(headers: Headers): number | null {
  const value = headers.get("Retry-After")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  const until = Date.parse(value);
  if (Number.isNaN(until)) return null;
  const now = Date.parse(headers.get("Date") ?? "");
  return Math.max(until - (Number.isNaN(now) ? Date.now() : now), 0) / 1000;
}
