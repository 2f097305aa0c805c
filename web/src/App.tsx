// SPDX-License-Identifier: Apache-2.0
import { css, Global } from '@emotion/react';
import { GlobalStyles, ModalsProvider, PortalContainer, useTheme2 } from '@grafana/ui';
import { LocationServiceProvider, locationService } from '@grafana/runtime';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Route, Routes, useLocation } from 'react-router-dom';
import { ApiError, onSignedOut } from './api/client';
import { dataSources } from './api/datasources';
import { currentUser, frontendSettings } from './api/session';
import { setDataSources } from './host/boot';
import { inWorkspace } from './lib/basePath';
import AlertingPage from './pages/AlertingPage';
import DashboardPage from './pages/DashboardPage';
import DashboardsPage from './pages/DashboardsPage';
import HomePage from './pages/HomePage';
import LoginPage from './pages/LoginPage';
import TargetsPage from './pages/TargetsPage';
import { AppRouter } from './shell/router';
import { SessionContext, type Session } from './shell/session';
import { Shell } from './shell/Shell';
import { Empty, ErrorBoundary, Failed, Loading } from './shell/States';
import { ThemeProvider } from './shell/theme';

// Holds the editor, the largest part that most pages do not need.
const ExplorePage = lazy(() => import('./pages/explore/ExplorePage'));

export function App() {
  return (
    <ThemeProvider>
      <GlobalStyles />
      <OwnStyles />
      <LocationServiceProvider service={locationService}>
        <AppRouter>
          <ModalsProvider>
            <ErrorBoundary>{inWorkspace ? <Workspace /> : <LoginPage />}</ErrorBoundary>
          </ModalsProvider>
          <PortalContainer />
        </AppRouter>
      </LocationServiceProvider>
    </ThemeProvider>
  );
}

type State =
  | { kind: 'loading' }
  | { kind: 'signed out' }
  | { kind: 'failed'; error: Error }
  | { kind: 'in'; session: Session };

async function load(): Promise<State> {
  try {
    const user = await currentUser();
    const [settings, sources] = await Promise.all([
      // Only names and versions: the UI works without them.
      frontendSettings().catch(() => undefined),
      dataSources(),
    ]);
    setDataSources(sources);
    return { kind: 'in', session: { user, settings } };
  } catch (error) {
    return error instanceof ApiError && error.status === 401
      ? { kind: 'signed out' }
      : { kind: 'failed', error: error as Error };
  }
}

function Workspace() {
  const [state, setState] = useState<State>({ kind: 'loading' });
  const start = () => void load().then(setState);
  useEffect(start, []);
  useEffect(() => onSignedOut(() => setState({ kind: 'signed out' })), []);
  switch (state.kind) {
    case 'loading':
      return <Loading text="" />;
    case 'signed out':
      return <LoginPage />;
    case 'failed':
      return (
        <div style={{ padding: 24 }}>
          <Failed title="This workspace does not answer" error={state.error} retry={start} />
        </div>
      );
    case 'in':
      return (
        <SessionContext.Provider value={state.session}>
          <Shell>
            <Pages />
          </Shell>
        </SessionContext.Provider>
      );
  }
}

function Pages() {
  const { pathname } = useLocation();
  return (
    <ErrorBoundary key={pathname}>
      <Suspense fallback={<Loading />}>
        <Routes>
          <Route path="/" element={<HomePage />} />
          <Route path="/dashboards" element={<DashboardsPage />} />
          <Route path="/d/:uid/:slug?" element={<DashboardPage />} />
          <Route path="/explore" element={<ExplorePage />} />
          <Route path="/targets" element={<TargetsPage />} />
          <Route path="/alerting/*" element={<AlertingPage />} />
          <Route path="/login" element={<LoginPage />} />
          <Route
            path="*"
            element={
              <Empty icon="compass" title="There is no such page">
                Nothing answers at {pathname}.
              </Empty>
            }
          />
        </Routes>
      </Suspense>
    </ErrorBoundary>
  );
}

function OwnStyles() {
  const theme = useTheme2();
  return (
    <Global
      styles={css({
        'html, body': { background: theme.colors.background.canvas },
        '.sr-only': {
          position: 'absolute',
          width: 1,
          height: 1,
          overflow: 'hidden',
          clipPath: 'inset(50%)',
          whiteSpace: 'nowrap',
        },
      })}
    />
  );
}
