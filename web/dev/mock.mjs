// SPDX-License-Identifier: Apache-2.0
// Serves dist/ the way hearth does, with answers that look like metrics: to look at the UI
// without a server. With HEARTH_URL set, the API comes from a running hearth instead.
// node dev/mock.mjs [port]; prints the address of a signed-in workspace.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { answerPrometheus } from './prometheus.mjs';

const web = path.resolve(import.meta.dirname, '..');
const dist = path.join(web, 'dist');
const dashboardDirs = [path.join(web, '../dashboards'), path.join(web, 'dev/dashboards')];
const workspace = '/g-0123456789';
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; " +
  "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'";
const TYPES = {
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  html: 'text/html; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
};
const tokens = new Set((process.env.MOCK_TOKENS ?? randomUUID()).split(','));
const session = randomUUID();

function dashboards() {
  return dashboardDirs
    .filter((dir) => fs.existsSync(dir))
    .flatMap((dir) =>
      fs
        .readdirSync(dir)
        .filter((name) => name.endsWith('.json'))
        .map((name) => JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8')))
    );
}

const folder = { uid: 'platform', title: 'Platform' };
const hit = (d) => ({
  uid: d.uid,
  title: d.title,
  url: `${workspace}/d/${d.uid}/${d.uid}`,
  type: 'dash-db',
  tags: d.tags ?? [],
  ...(d.uid === 'application-metrics' ? {} : { folderUid: folder.uid, folderTitle: folder.title }),
});

function grafana(url) {
  const dashboard = /^\/api\/dashboards\/uid\/(.+)$/.exec(url.pathname);
  if (dashboard) {
    const found = dashboards().find((d) => d.uid === decodeURIComponent(dashboard[1]));
    return found
      ? { meta: { ...hit(found), version: 1, canSave: true, slug: found.uid }, dashboard: found }
      : undefined;
  }
  switch (url.pathname) {
    case '/api/user':
      return { login: 'root', name: 'root', email: '', orgName: 'default' };
    case '/api/frontend/settings':
      return {
        buildInfo: { version: '0.1.0' },
        workspace: { id: 'g-0123456789', name: 'default' },
      };
    case '/api/datasources':
      return [
        {
          id: 1,
          uid: 'AMP',
          name: 'Amazon Managed Prometheus',
          type: 'prometheus',
          isDefault: true,
          jsonData: { httpMethod: 'POST' },
        },
      ];
    case '/api/folders':
      return [folder];
    case '/api/search':
      return [{ ...folder, type: 'dash-folder', url: '', tags: [] }, ...dashboards().map(hit)];
    default:
      return undefined;
  }
}

const body = (request) =>
  new Promise((done) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => done(text));
  });

function json(response, status, value, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

async function api(request, response, url) {
  if (!(request.headers.cookie ?? '').includes(session)) {
    json(response, 401, { message: 'Unauthorized' });
    return;
  }
  const proxied = /^\/api\/datasources\/proxy\/uid\/[^/]+(\/.*)$/.exec(url.pathname);
  const value = proxied ? undefined : grafana(url);
  if (proxied) {
    const params = new URLSearchParams(url.search);
    if (request.method === 'POST') {
      for (const [key, one] of new URLSearchParams(await body(request))) {
        params.append(key, one);
      }
    }
    const { status, body: answer } = answerPrometheus(proxied[1], params);
    // As hearth says that a workspace without a role reads the account's workspaces.
    const warned = (params.get('query') ?? '').includes('warned');
    const headers = { 'X-Hearth-Warning': 'this workspace has no role of its own' };
    json(response, status, answer, warned ? headers : {});
  } else if (value === undefined) {
    json(response, 404, { message: 'Not found' });
  } else {
    json(response, 200, value);
  }
}

function file(request, response, name) {
  const full = path.join(dist, path.normalize(name));
  if (!full.startsWith(dist) || !fs.existsSync(full) || !fs.statSync(full).isFile()) {
    response.writeHead(404).end('not found\n');
    return;
  }
  const br = /\bbr\b/.test(request.headers['accept-encoding'] ?? '') && fs.existsSync(`${full}.br`);
  response.writeHead(200, {
    'Content-Type': TYPES[path.extname(name).slice(1)] ?? 'application/octet-stream',
    'Content-Security-Policy': CSP,
    'Cache-Control': name.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(br ? { 'Content-Encoding': 'br' } : {}),
  });
  response.end(fs.readFileSync(br ? `${full}.br` : full));
}

function forward(request, response) {
  const target = new URL(request.url, process.env.HEARTH_URL);
  const upstream = http.request(
    target,
    { method: request.method, headers: request.headers },
    (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }
  );
  upstream.on('error', (error) => json(response, 502, { message: String(error) }));
  request.pipe(upstream);
}

function signIn(response, url) {
  const good = tokens.delete(url.searchParams.get('token') ?? '');
  const cookie = `hearth_session=${session}; Path=/; HttpOnly; SameSite=Lax`;
  response.writeHead(
    302,
    good ? { Location: `${workspace}/`, 'Set-Cookie': cookie } : { Location: '/login?error=used' }
  );
  response.end();
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const inside = /^(\/g-[0-9a-f]{10}|\/grafana\/[^/]+)(\/.*)?$/.exec(url.pathname);
  const rest = inside?.[2] ?? '/';
  if (url.pathname.startsWith('/public/')) {
    file(request, response, url.pathname.slice('/public'.length));
  } else if (process.env.HEARTH_URL && rest.startsWith('/api/')) {
    forward(request, response);
  } else if (process.env.HEARTH_URL && !inside && url.pathname !== '/login') {
    forward(request, response);
  } else if (url.pathname === '/login/link') {
    signIn(response, url);
  } else if (inside && rest.startsWith('/api/')) {
    url.pathname = rest;
    void api(request, response, url);
  } else if (url.pathname === '/logout') {
    response
      .writeHead(302, { Location: '/login', 'Set-Cookie': 'hearth_session=; Max-Age=0; Path=/' })
      .end();
  } else if (inside || url.pathname === '/login') {
    file(request, response, '/index.html');
  } else {
    response.writeHead(302, { Location: `${workspace}/` }).end();
  }
});

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const { port } = server.address();
  console.log(`sign in: http://127.0.0.1:${port}/login/link?token=${[...tokens][0]}`);
  console.log(`hearth is ready: http://127.0.0.1:${port}`);
});
