// SPDX-License-Identifier: Apache-2.0
import { ThemeContext } from '@grafana/data';
import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from 'react';
import { setTheme } from '../host/boot';
import { browserTheme, chosenTheme, chooseTheme, type ThemeMode } from '../lib/preferences';

interface ThemeChoice {
  mode: ThemeMode;
  /** undefined while the browser's own preference is followed. */
  chosen: ThemeMode | undefined;
  choose: (mode: ThemeMode | undefined) => void;
}

const Choice = createContext<ThemeChoice>({
  mode: 'dark',
  chosen: undefined,
  choose: () => undefined,
});

export const useThemeChoice = () => useContext(Choice);

/** Follows the browser until the reader chooses. */
export function ThemeProvider({ children }: { children: ReactNode }) {
  const [chosen, setChosen] = useState(chosenTheme);
  const [browser, setBrowser] = useState(browserTheme);
  useEffect(() => {
    const media = window.matchMedia('(prefers-color-scheme: light)');
    const follow = () => setBrowser(browserTheme());
    media.addEventListener('change', follow);
    return () => media.removeEventListener('change', follow);
  }, []);
  const choose = useCallback((mode: ThemeMode | undefined) => {
    chooseTheme(mode);
    setChosen(mode);
  }, []);
  const mode = chosen ?? browser;
  const [theme, setCurrent] = useState(() => setTheme(mode));
  useEffect(() => setCurrent(setTheme(mode)), [mode]);
  return (
    <Choice.Provider value={{ mode, chosen, choose }}>
      {/* The packages read the theme from a global as well: draw everything anew. */}
      <ThemeContext.Provider key={theme.colors.mode} value={theme}>
        {children}
      </ThemeContext.Provider>
    </Choice.Provider>
  );
}
