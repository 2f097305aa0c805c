// SPDX-License-Identifier: Apache-2.0
import react from '@vitejs/plugin-react';
import fs from 'node:fs';
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import { STATIC_DIR, writeStatic } from './scripts/static.mjs';

const at = (file: string) => path.resolve(import.meta.dirname, file);
const BACKEND = process.env.HEARTH_URL ?? 'http://127.0.0.1:9320';
const API = '^/(g-[0-9a-f]{10}|grafana/[^/]+)/(api|logout)|^/login/link|^/logout';

/** Leaves out the parts of @grafana/ui that are large and not used: Monaco, maps. */
const slim: Plugin = {
  name: 'slim',
  enforce: 'pre',
  resolveId(id) {
    if (/(ReactMonacoEditor|OpenLayersProvider)\.mjs$/.test(id)) {
      return at('src/host/slim/nothing.tsx');
    }
    return /^monaco-editor/.test(id) || /ReactMonacoEditor\.css/.test(id)
      ? '\0no-monaco'
      : undefined;
  },
  load(id) {
    return id === '\0no-monaco'
      ? 'export default {}; export const editor = {}, languages = {}, KeyCode = {}, KeyMod = {};'
      : undefined;
  },
};

/** In development every page of a workspace is the shell, as the server does it. */
const shell: Plugin = {
  name: 'shell',
  configureServer(server) {
    server.middlewares.use(async (request, response, next) => {
      const url = request.url ?? '/';
      const isPage = request.headers.accept?.includes('text/html');
      if (!isPage || url.startsWith('/public/') || new RegExp(API).test(url)) {
        next();
        return;
      }
      const html = fs.readFileSync(at('index.html'), 'utf8');
      response.setHeader('Content-Type', 'text/html');
      response.end(await server.transformIndexHtml('/public/index.html', html));
    });
  },
};

/** The text of the icons that host/icons.ts puts into the bundle. */
const PRELOADED = [
  ...['angle-double-left', 'angle-double-right', 'angle-down', 'angle-left', 'angle-right'],
  ...['angle-up', 'apps', 'arrow-left', 'bars', 'bell', 'clock-nine', 'compass', 'crosshair'],
  ...['ellipsis-v', 'exclamation-triangle', 'eye', 'folder', 'graph-bar', 'history', 'home-alt'],
  ...['info-circle', 'plus', 'search', 'search-minus', 'spinner', 'sync', 'times', 'user'],
].map((name) => `unicons/${name}.svg`);

const icons: Plugin = {
  name: 'icons',
  resolveId: (id) => (id === 'virtual:icons' ? '\0icons' : undefined),
  load(id) {
    if (id !== '\0icons') {
      return undefined;
    }
    const dir = path.join(STATIC_DIR, 'build/img/icons');
    const text = (name: string) => fs.readFileSync(path.join(dir, name), 'utf8').trim();
    const entries = PRELOADED.map((name) => [name, text(name)]);
    return `export default ${JSON.stringify(Object.fromEntries(entries))};`;
  },
};

/** Which packages end up in the bundle, for their notices. */
const shipped: Plugin = {
  name: 'shipped',
  generateBundle(_options, bundle) {
    const dirs = new Set<string>();
    for (const chunk of Object.values(bundle)) {
      for (const [id, { renderedLength }] of Object.entries(
        chunk.type === 'chunk' ? chunk.modules : {}
      )) {
        const found = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
        if (found && renderedLength > 0) {
          dirs.add(path.relative(at('.'), found[1]));
        }
      }
    }
    this.emitFile({
      type: 'asset',
      fileName: 'packages.json',
      source: JSON.stringify([...dirs].sort()),
    });
  },
};

writeStatic();

export default defineConfig({
  base: '/public/',
  publicDir: STATIC_DIR,
  plugins: [slim, shell, icons, react(), shipped],
  define: { 'process.env.NODE_ENV': JSON.stringify(process.env.NODE_ENV ?? 'production') },
  resolve: {
    alias: [
      { find: '@grafana/plugin-compat/datasources', replacement: at('src/host/pluginCompat.ts') },
      { find: 'react-dom/server', replacement: at('src/host/slim/serverRender.ts') },
      { find: '@monaco-editor/react', replacement: at('src/host/slim/monaco.ts') },
      // One router for everything: @grafana/ui's Link takes it from the compatibility package.
      { find: 'react-router-dom-v5-compat', replacement: 'react-router-dom' },
      { find: /^lodash$/, replacement: 'lodash-es' },
      {
        find: /^moment-timezone$/,
        replacement: at(
          'node_modules/moment-timezone/builds/moment-timezone-with-data-10-year-range.js'
        ),
      },
    ],
    dedupe: ['react', 'react-dom', 'react-router', 'react-router-dom'],
  },
  build: {
    outDir: 'dist',
    sourcemap: false,
    target: 'es2022',
    chunkSizeWarningLimit: 4000,
    rollupOptions: {
      output: {
        // Runs before every other chunk.
        manualChunks: (id) =>
          /\/src\/(globals|lib\/basePath)\.ts$/.test(id) ? 'globals' : undefined,
      },
    },
  },
  server: { host: '127.0.0.1', proxy: { [API]: { target: BACKEND, changeOrigin: false } } },
});
