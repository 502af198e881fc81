export { PredictionClient, type Call, type Options, type Row } from "./client.js";
export { ApiError, NoAnswerError, PredictionClientError, SignInError, UnexpectedAnswerError } from "./errors.js";
export type { components, operations, paths } from "./generated/api.js";
export { MAX_ROWS } from "./generated/limits.js";
export { DEFAULT_RETRIES, type Retries } from "./retries.js";
