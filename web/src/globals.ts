// SPDX-License-Identifier: Apache-2.0
// Must be the first import of main.tsx, in a chunk of its own (vite.config.ts): the Grafana
// packages read these when their modules load.
import { basePath } from './lib/basePath';

Object.assign(window, {
  // Without this zod probes `Function("")`, which the Content-Security-Policy forbids.
  __zod_globalConfig: { jitless: true },
  // Root of the icon and font files.
  __grafana_public_path__: '/public/',
  // Read by @grafana/runtime's config; appSubUrl becomes the base of its browser history.
  grafanaBootData: {
    settings: { appSubUrl: basePath },
    user: { orgRole: 'Viewer', isSignedIn: true, permissions: {} },
    navTree: [],
  },
});
