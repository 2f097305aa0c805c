// SPDX-License-Identifier: Apache-2.0
import { locationService } from '@grafana/runtime';
import { useEffect, useLayoutEffect, useState, type ReactNode } from 'react';
import { Router, type Location, type NavigationType, type Navigator } from 'react-router-dom';
import { basePath } from '../lib/basePath';

type Path = Partial<Location>;

/** Routes over the history that scenes writes time range and variables to: there is one URL. */
export function AppRouter({ children }: { children: ReactNode }) {
  const history = locationService.getHistory();
  const [state, setState] = useState<{ location: Path; action: string }>({
    location: history.location,
    action: history.action,
  });
  useLayoutEffect(
    () => history.listen((location: Path, action: string) => setState({ location, action })),
    [history]
  );
  useEffect(() => {
    document.addEventListener('click', followInside);
    return () => document.removeEventListener('click', followInside);
  }, []);
  return (
    <Router
      location={state.location}
      navigationType={state.action as NavigationType}
      navigator={history as unknown as Navigator}
    >
      {children}
    </Router>
  );
}

/** Plain links of panels and markdown into this workspace need no page load. */
function followInside(event: MouseEvent) {
  const anchor = (event.target as Element | null)?.closest?.('a');
  const href = anchor?.getAttribute('href');
  const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
  if (!anchor || !href || modified || event.defaultPrevented || anchor.target === '_blank') {
    return;
  }
  const url = new URL(href, window.location.href);
  const inside = url.origin === window.location.origin && url.pathname.startsWith(`${basePath}/`);
  const path = url.pathname.slice(basePath.length);
  if (
    !inside ||
    /^\/(api|logout|login|public)(\/|$)/.test(path) ||
    anchor.hasAttribute('download')
  ) {
    return;
  }
  event.preventDefault();
  locationService.push(path + url.search + url.hash);
}
