// SPDX-License-Identifier: Apache-2.0
// What a reader has chosen for this browser. Storage may be forbidden: then nothing is remembered.

export type ThemeMode = 'dark' | 'light';

const THEME = 'hearth.theme';
const NAV = 'hearth.nav.collapsed';
const HISTORY = 'hearth.explore.history';
const HISTORY_MAX = 50;

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null) {
  try {
    if (value === null) {
      window.localStorage.removeItem(key);
    } else {
      window.localStorage.setItem(key, value);
    }
  } catch {
    // Private browsing: the choice lasts as long as the page.
  }
}

export function chosenTheme(): ThemeMode | undefined {
  const value = read(THEME);
  return value === 'dark' || value === 'light' ? value : undefined;
}

export const chooseTheme = (mode: ThemeMode | undefined) => write(THEME, mode ?? null);

export const browserTheme = (): ThemeMode =>
  window.matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';

export const navCollapsed = () => read(NAV) === 'true';
export const setNavCollapsed = (collapsed: boolean) => write(NAV, String(collapsed));

export function queryHistory(): string[] {
  try {
    const value: unknown = JSON.parse(read(HISTORY) ?? '[]');
    return Array.isArray(value) ? value.filter((x): x is string => typeof x === 'string') : [];
  } catch {
    return [];
  }
}

export function rememberQuery(expr: string) {
  const trimmed = expr.trim();
  if (trimmed) {
    const rest = queryHistory().filter((x) => x !== trimmed);
    write(HISTORY, JSON.stringify([trimmed, ...rest].slice(0, HISTORY_MAX)));
  }
}
