import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** How often a live page asks again. */
const REFRESH_INTERVAL_MS = 5_000;
/** The same for what gateways report once a second: it costs the collector no look at its store. */
export const REPORT_INTERVAL_MS = 500;

export interface Query<T> {
  /** The last answer; it stays while the next one is under way or fails. */
  data: T | undefined;
  error: Error | undefined;
  /** When `data` came, Unix milliseconds. */
  at: number | undefined;
  reload: () => void;
}

/**
 * Asks when `key` changes, and every few seconds while `live` and the page can be seen. An answer to an older question is
 * thrown away.
 */
export function useQuery<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>,
  live = false,
  intervalMs = REFRESH_INTERVAL_MS,
): Query<T> {
  const [state, setState] = useState<Omit<Query<T>, "reload"> & { key: string }>({
    key,
    data: undefined,
    error: undefined,
    at: undefined,
  });
  const asking = useRef(ask);
  asking.current = ask;
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((n) => n + 1), []);

  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      try {
        const data = await asking.current(ended.signal);
        if (!ended.signal.aborted) setState({ key, data, error: undefined, at: Date.now() });
      } catch (error) {
        if (ended.signal.aborted) return;
        const problem = error instanceof Error ? error : new Error(String(error));
        setState((old) =>
          old.key === key ? { ...old, error: problem } : { key, data: undefined, error: problem, at: undefined },
        );
      }
      if (live && !ended.signal.aborted) timer = setTimeout(next, intervalMs);
    };
    const next = () => {
      if (document.visibilityState === "visible") void run();
      else timer = setTimeout(next, intervalMs);
    };
    void run();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, live, round, intervalMs]);

  const fresh = state.key === key;
  return { data: fresh ? state.data : undefined, error: fresh ? state.error : undefined, at: state.at, reload };
}
