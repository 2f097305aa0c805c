// SPDX-License-Identifier: Apache-2.0
import { locationService } from '@grafana/runtime';
import { UrlSyncContextProvider } from '@grafana/scenes';
import { useEffect, useMemo } from 'react';
import { useLocation, useParams } from 'react-router-dom';
import { dashboardByUid, type DashboardMeta } from '../api/dashboards';
import { ApiError } from '../api/client';
import type { DashboardJson } from '../dashboard/model';
import type { DashboardScene } from '../dashboard/scene';
import { toScene } from '../dashboard/toScene';
import { setActiveScene } from '../host/boot';
import { Crumbs } from '../shell/Crumbs';
import { useTitle } from '../shell/Page';
import { Empty, Failed, Loading } from '../shell/States';
import { useLoad } from '../shell/useLoad';
import { Inspector } from './Inspector';

export default function DashboardPage() {
  const { uid = '' } = useParams();
  const { value, error, reload } = useLoad(() => dashboardByUid(uid), uid);
  if (error instanceof ApiError && error.status === 404) {
    return (
      <Empty icon="apps" title="There is no such dashboard">
        No dashboard of this workspace has the uid “{uid}”. It may have been deleted.
      </Empty>
    );
  }
  if (error) {
    return (
      <div style={{ padding: 24 }}>
        <Failed title="The dashboard cannot be loaded" error={error} retry={reload} />
      </div>
    );
  }
  return value && value.dashboard.uid === uid ? (
    <Dashboard key={uid} json={value.dashboard} meta={value.meta} />
  ) : (
    <Loading text="Loading dashboard…" />
  );
}

function Dashboard({ json, meta }: { json: DashboardJson; meta: DashboardMeta }) {
  const scene = useMemo(() => toScene(json), [json]);
  // Before the panels' first query: texts without a scene of their own are read from this one.
  useMemo(() => setActiveScene(scene), [scene]);
  const title = json.title ?? 'Dashboard';
  useTitle(title);
  return (
    <UrlSyncContextProvider scene={scene} updateUrlOnInit createBrowserHistorySteps>
      <DashboardView scene={scene} title={title} meta={meta} />
    </UrlSyncContextProvider>
  );
}

function DashboardView({
  scene,
  title,
  meta,
}: {
  scene: DashboardScene;
  title: string;
  meta: DashboardMeta;
}) {
  const { search, pathname } = useLocation();
  const params = new URLSearchParams(search);
  const viewed = params.get('viewPanel') ?? undefined;
  const inspected = params.get('inspect') ?? undefined;
  const kiosk = params.has('kiosk');
  useEffect(() => {
    scene.view(viewed);
    scene.setState({ hideControls: params.get('kiosk') === '1' });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- search is what params are made of
  }, [scene, viewed, search]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || inspected) {
        return;
      }
      if (viewed) {
        locationService.partial({ viewPanel: null });
      } else if (kiosk) {
        locationService.partial({ kiosk: null });
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [viewed, kiosk, inspected]);
  const { viewed: alone } = scene.useState();
  const panel =
    inspected && alone?.state.key === inspected
      ? alone
      : inspected
        ? scene.findPanel(inspected)
        : undefined;
  const crumbs = [
    { text: 'Dashboards', to: '/dashboards' },
    ...(meta.folderTitle && meta.folderUid
      ? [
          {
            text: meta.folderTitle,
            to: `/dashboards?query=${encodeURIComponent(meta.folderTitle)}`,
          },
        ]
      : []),
    viewed ? { text: title, to: pathname } : { text: title },
    ...(viewed ? [{ text: 'Panel' }] : []),
  ];
  return (
    <>
      {!kiosk && <Crumbs items={crumbs} />}
      <h1 className="sr-only">{title}</h1>
      <scene.Component model={scene} />
      {panel && (
        <Inspector
          panel={panel}
          onClose={() => locationService.partial({ inspect: null, inspectTab: null })}
        />
      )}
    </>
  );
}
