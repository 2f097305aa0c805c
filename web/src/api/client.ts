// SPDX-License-Identifier: Apache-2.0
// The only place that calls fetch().
import { basePath } from '../lib/basePath';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errorType?: string
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface Answer<T> {
  body: T;
  headers: Headers;
}

export type Params = Record<string, string | number | string[] | undefined>;

let signedOut: () => void = () => undefined;
/** Called once a request is answered 401: the session has ended. */
export const onSignedOut = (callback: () => void) => {
  signedOut = callback;
};

export function encode(params: Params): URLSearchParams {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) {
        out.append(key, String(one));
      }
    }
  }
  return out;
}

/** Grafana answers {message}, Prometheus {error, errorType}; a proxy in between may answer text. */
function failure(status: number, statusText: string, text: string): ApiError {
  try {
    const body = JSON.parse(text) as { message?: string; error?: string; errorType?: string };
    const message = body.error ?? body.message;
    if (message) {
      return new ApiError(status, message, body.errorType);
    }
  } catch {
    // not JSON: said below
  }
  const start = text.trim().startsWith('<') ? '' : text.trim().slice(0, 300);
  return new ApiError(status, start || `the server answered ${status} ${statusText}`.trim());
}

async function send<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(`${basePath}/api/${path}`, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') {
      throw error;
    }
    throw new ApiError(0, 'hearth does not answer: is it running, and is the network up?');
  }
  const text = await response.text();
  if (!response.ok) {
    if (response.status === 401) {
      signedOut();
    }
    throw failure(response.status, response.statusText, text);
  }
  try {
    return { body: JSON.parse(text) as T, headers: response.headers };
  } catch {
    throw new ApiError(response.status, `the answer to ${path} is not JSON`);
  }
}

export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  const query = encode(params).toString();
  return (await send<T>(query ? `${path}?${query}` : path, { signal })).body;
}

export const postForm = <T>(path: string, params: Params, signal?: AbortSignal) =>
  send<T>(path, { method: 'POST', body: encode(params), signal });

export const getWithHeaders = <T>(path: string, params: Params, signal?: AbortSignal) => {
  const query = encode(params).toString();
  return send<T>(query ? `${path}?${query}` : path, { signal });
};
