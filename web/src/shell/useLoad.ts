// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useRef, useState } from 'react';

export interface Loaded<T> {
  value?: T;
  error?: Error;
  loading: boolean;
  reload: () => void;
}

/** Loads when it appears and when `key` changes; keeps the last value while it loads again. */
export function useLoad<T>(load: () => Promise<T>, key: string, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ loading: true });
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  const reload = useCallback(() => {
    const mine = ++turn.current;
    setState((old) => ({ ...old, loading: true }));
    latest.current().then(
      (value) => mine === turn.current && setState({ value, loading: false }),
      (error: Error) =>
        mine === turn.current && setState((old) => ({ ...old, error, loading: false }))
    );
  }, []);
  useEffect(() => {
    setState({ loading: true });
    reload();
    const timer = everyMs
      ? window.setInterval(() => document.visibilityState === 'visible' && reload(), everyMs)
      : undefined;
    return () => {
      turn.current++;
      window.clearInterval(timer);
    };
  }, [key, everyMs, reload]);
  return { ...state, reload };
}
