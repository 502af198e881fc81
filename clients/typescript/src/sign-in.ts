/** The token of a user: fetched when it is needed, renewed before it expires, one sign-in for all who wait. */

import { ApiError, SignInError } from "./errors.js";
import type { components } from "./generated/api.js";

const EARLIEST_RENEWAL_SECONDS = 60;
const RENEWAL_FRACTION = 0.1;

interface Token {
  value: string;
  /** By the clock of performance.now(). */
  renewAt: number;
}

export class SignIn {
  #token: Token | undefined;
  #renewal: Promise<Token> | undefined;

  constructor(private readonly logIn: () => Promise<components["schemas"]["LoginResponse"]>) {}

  /** Send a request signed, and once more with another token if the first is refused. */
  async send(request: Request, send: (request: Request) => Promise<Response>): Promise<Response> {
    const token = await this.#usable(undefined);
    try {
      return await send(signed(request, token));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return await send(signed(request, await this.#usable(token)));
    }
  }

  async #usable(refused: Token | undefined): Promise<Token> {
    if (this.#token && this.#token !== refused && performance.now() < this.#token.renewAt) return this.#token;
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #renew(): Promise<Token> {
    const askedAt = performance.now();
    try {
      const { token, expires_in } = await this.logIn();
      const seconds = expires_in - Math.min(EARLIEST_RENEWAL_SECONDS, RENEWAL_FRACTION * expires_in);
      return (this.#token = { value: token, renewAt: askedAt + seconds * 1000 });
    } catch (error) {
      throw error instanceof ApiError ? new SignInError(error) : error;
    }
  }
}

function signed(request: Request, token: Token): Request {
  const copy = request.clone();
  copy.headers.set("Authorization", `Bearer ${token.value}`);
  return copy;
}
