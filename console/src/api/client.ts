// The one place that talks to the collector. The session is a cookie that scripts cannot read.

/** An answer that is no success, in the collector's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export type Parameters = Record<string, string | number | boolean | null | undefined>;

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Calls `listener` whenever the collector says that there is no session. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

/** The query string of `parameters`; what is empty is left out. */
export function queryString(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") query.append(name, String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["x-keeptrusts-console"] = "1";
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(path, {
    method,
    headers,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  if (answer.ok) return answer;
  const error = await answer
    .json()
    .then((json) => json?.error)
    .catch(() => undefined);
  if (answer.status === 401 && path !== "/v1/session") for (const listener of signedOut) listener();
  throw new ApiError(answer.status, error?.code ?? "", error?.message ?? `${answer.status} ${answer.statusText}`);
}

async function json<T>(answer: Response): Promise<T> {
  return answer.status === 204 ? (undefined as T) : answer.json();
}

export async function get<T>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<T> {
  return json(await request("GET", path + queryString(parameters), undefined, signal));
}

export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return json(await request("POST", path, body));
}

export async function put<T>(path: string, body: unknown): Promise<T> {
  return json(await request("PUT", path, body));
}

export async function remove(path: string, parameters: Parameters = {}): Promise<void> {
  await request("DELETE", path + queryString(parameters));
}

/** Posts and hands the answer's body over piece by piece; the head comes first, also of a failed answer. */
export async function postStreaming(
  path: string,
  body: unknown,
  signal: AbortSignal,
  onHead: (answer: Response) => void,
  onText: (text: string) => void,
): Promise<void> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-keeptrusts-console": "1" },
    credentials: "same-origin",
    body: JSON.stringify(body),
    signal,
  });
  onHead(answer);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onText(value);
  }
}
