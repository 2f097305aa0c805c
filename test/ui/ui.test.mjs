// SPDX-License-Identifier: Apache-2.0
// The UI in a real browser against a real server: node --test test/ui/ui.test.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DESKTOP, drawnPanels, launch, panel, PHONE, shoot, watch } from './browser.mjs';
import { startStack } from './stack.mjs';

const DASHBOARDS = {
  'cluster-health': [
    'Node CPU Utilisation',
    'Node Memory Utilisation',
    'Total Pod Count',
    'PVC Usage',
    'Cluster Request Rate',
  ],
  'node-metrics': [
    'CPU Usage per Node',
    'Memory Usage per Node',
    'Disk I/O per Node',
    'Network I/O per Node',
  ],
  'application-metrics': ['Request Rate', 'Error Rate', 'P95 Latency', 'Active Connections'],
};
const RULES = [
  'HighErrorRate',
  'ContainerOOMKilled',
  'PodCrashLooping',
  'NodeMemoryPressure',
  'HighLatency',
  'NodeDiskPressure',
  'KubePodNotReady',
];
/** A hang is a failure; a slow machine is not. */
const WAIT_MS = 60_000;
/** Until a rate has two scrapes to look at. */
const DATA_LIMIT_MS = 60_000;

let stack;
let browser;
let base; // the workspace's URL, without a slash at the end
let state; // the cookie of the session

before(async () => {
  stack = await startStack();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A page in a browser of its own, signed in; `faults` is what went wrong in it so far. */
async function open(path, { viewport = DESKTOP, colorScheme = 'dark', signedIn = true } = {}) {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    ...(signedIn ? { storageState: state } : {}),
  });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const faults = watch(page);
  if (path !== undefined) {
    await page.goto(base + path);
  }
  return { page, faults, close: () => context.close() };
}

const queries = (page) =>
  page.waitForRequest((request) => /\/api\/v1\/query_range/.test(request.url()));

test('a sign-in link works once and not twice', async () => {
  const first = await open(undefined, { signedIn: false });
  await first.page.goto(stack.signIn);
  await first.page.getByRole('heading', { level: 1 }).first().waitFor();
  const landed = new URL(first.page.url());
  const workspace = /^\/(g-[0-9a-f]{10}|grafana\/[^/]+)(?=\/|$)/.exec(landed.pathname);
  assert.ok(workspace, `signed in, but sent to ${landed.pathname}`);
  base = landed.origin + workspace[0];
  assert.deepEqual(first.faults, []);
  state = await first.page.context().storageState();
  const me = await first.page.request.get(`${base}/api/user`);
  assert.equal(me.status(), 200);
  await first.close();

  const second = await open(undefined, { signedIn: false });
  await second.page.goto(stack.signIn);
  const other = await second.page.request.get(`${base}/api/user`);
  assert.equal(other.status(), 401);
  await second.close();
});

test('who is not signed in is told how to', async () => {
  const { page, close } = await open('/d/cluster-health/x', {
    signedIn: false,
  });
  await page.getByText('hearth login --data DIR').waitFor();
  await page.getByLabel('Sign-in link or token').fill('not a token!');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('neither a sign-in link nor a token').waitFor();
  await shoot(page, 'sign-in');
  await close();
});

test('the shell has no inline script, and missing assets are 404', async () => {
  const { page, close } = await open(undefined);
  const shell = await page.request.get(`${base}/some/page`);
  assert.equal(shell.status(), 200);
  const html = await shell.text();
  const scripts = html.match(/<script[^>]*>/g) ?? [];
  assert.ok(scripts.length > 0 && scripts.every((tag) => /src="\/public\//.test(tag)), html);
  assert.match(shell.headers()['content-security-policy'] ?? '', /script-src 'self'(;|$)/);
  const script = /src="(\/public\/[^"]+)"/.exec(html)[1];
  const asset = await page.request.get(stack.url + script);
  assert.equal(asset.status(), 200);
  assert.match(asset.headers()['cache-control'], /immutable/);
  assert.match(asset.headers()['content-encoding'] ?? '', /^(br|gzip)$/);
  const missing = await page.request.get(`${stack.url}/public/build/img/icons/unicons/none.svg`);
  assert.equal(missing.status(), 404);
  await close();
});

test('metrics arrive', async () => {
  const { page, close } = await open(undefined);
  const url = `${base}/api/datasources/proxy/uid/AMP/api/v1/query`;
  const wanted = [
    'sum(rate(http_requests_total[5m])) > 0',
    'sum(rate(node_cpu_seconds_total[5m])) > 0',
    'kube_pod_status_phase{phase="Running"}',
    'kubelet_volume_stats_used_bytes',
  ];
  const until = Date.now() + DATA_LIMIT_MS;
  for (const query of wanted) {
    for (;;) {
      const answer = await page.request.post(url, { form: { query } });
      const body = await answer.json();
      assert.equal(body.status, 'success', JSON.stringify(body));
      if (body.data.result.length > 0) {
        break;
      }
      assert.ok(Date.now() < until, `nothing for ${query}`);
      await page.waitForTimeout(500);
    }
  }
  await close();
});

test('home shows the state of the workspace and its dashboards', async () => {
  const { page, faults, close } = await open('/');
  await page.getByText('Cluster health').waitFor();
  await page.getByText(/^\d+ \/ \d+$/).waitFor();
  await shoot(page, 'home');
  assert.deepEqual(faults, []);
  await close();
});

test('dashboards are listed, searched and opened', async () => {
  const { page, faults, close } = await open('/dashboards');
  await page.getByRole('link', { name: /Node metrics/ }).waitFor();
  await shoot(page, 'dashboards');
  await page.getByPlaceholder('Search by name, folder or tag').fill('application');
  await page.getByRole('link', { name: /Node metrics/ }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: /Application metrics/ }).click();
  await panel(page, 'Request Rate').waitFor();
  assert.match(page.url(), /\/d\/application-metrics\//);
  assert.deepEqual(faults, []);
  await close();
});

for (const [uid, titles] of Object.entries(DASHBOARDS)) {
  for (const [look, options] of Object.entries({
    dark: {},
    light: { colorScheme: 'light' },
    phone: { viewport: PHONE },
  })) {
    test(`${uid} draws every panel (${look})`, async () => {
      const { page, faults, close } = await open(`/d/${uid}/x?refresh=`, options);
      for (const title of titles) {
        // A panel is asked for and drawn when it comes into view.
        await panel(page, title).scrollIntoViewIfNeeded();
        const key = await panel(page, title)
          .locator('xpath=ancestor::*[@data-viz-panel-key][1]')
          .getAttribute('data-viz-panel-key');
        const until = Date.now() + WAIT_MS;
        while (!(await drawnPanels(page)).includes(key)) {
          const text = await panel(page, title).innerText();
          assert.ok(Date.now() < until, `${title} draws nothing: ${text}`);
          await page.waitForTimeout(100);
        }
      }
      await panel(page, titles[0]).scrollIntoViewIfNeeded();
      assert.equal(await page.getByTestId('no-data').count(), 0);
      assert.equal(await page.locator('[data-testid="data-testid Panel status error"]').count(), 0);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth
      );
      assert.equal(overflow, 0, 'the page scrolls sideways');
      await shoot(page, `${uid}-${look}`);
      assert.deepEqual(faults, []);
      await close();
    });
  }
}

test('the time picker changes the range of the queries and the address', async () => {
  const { page, faults, close } = await open('/d/application-metrics/x?refresh=');
  await panel(page, 'Request Rate').locator('canvas').first().waitFor();
  await page.getByTestId('data-testid TimePicker Open Button').click();
  const asked = queries(page);
  await page.getByText('Last 5 minutes', { exact: true }).click();
  const form = new URLSearchParams((await asked).postData());
  const width = Number(form.get('end')) - Number(form.get('start'));
  assert.ok(width > 250 && width < 350, `asked for ${width} seconds`);
  assert.match(page.url(), /from=now-5m/);
  await page.goBack();
  await page.waitForURL((url) => !/from=now-5m/.test(url.href));
  assert.deepEqual(faults, []);
  await close();
});

test('$node narrows the queries and is kept in the address', async () => {
  const { page, faults, close } = await open('/d/node-metrics/x?refresh=');
  await panel(page, 'CPU Usage per Node').locator('canvas').first().waitFor();
  const listed = await page.request.get(
    `${base}/api/datasources/proxy/uid/AMP/api/v1/label/instance/values`,
    { params: { 'match[]': 'node_cpu_seconds_total' } }
  );
  const [instance] = (await listed.json()).data;
  await page.getByTestId('dashboard-controls').getByText('All', { exact: true }).click();
  const choices = page.getByTestId('data-testid portal-container');
  await choices.getByText(instance, { exact: true }).click();
  const asked = page.waitForRequest((request) =>
    (new URLSearchParams(request.postData() ?? '').get('query') ?? '').includes(
      `instance=~"${instance.replace(/[.]/g, '\\\\.')}"`
    )
  );
  // Several may be ticked: they count once the choice is left.
  await page.keyboard.press('Tab');
  await asked;
  await page.waitForURL((url) => url.searchParams.getAll('var-node').includes(instance));
  assert.deepEqual(faults, []);
  await close();
});

test('refresh asks again, by the button and by itself', async () => {
  const { page, faults, close } = await open('/d/application-metrics/x?refresh=');
  await panel(page, 'Request Rate').locator('canvas').first().waitFor();
  const byButton = queries(page);
  await page.getByTestId('data-testid RefreshPicker run button').click();
  await byButton;
  await page.goto(`${base}/d/application-metrics/x?refresh=5s`);
  await panel(page, 'Request Rate').locator('canvas').first().waitFor();
  await queries(page);
  assert.deepEqual(faults, []);
  await close();
});

test('a panel is viewed alone, inspected, and taken to Explore', async () => {
  const { page, faults, close } = await open('/d/application-metrics/x?refresh=');
  const menu = async (item) => {
    await panel(page, 'Request Rate').hover();
    await page.getByTestId('data-testid Panel menu Request Rate').click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await panel(page, 'Request Rate').locator('canvas').first().waitFor();
  await menu('View');
  await panel(page, 'Error Rate').waitFor({ state: 'detached' });
  assert.match(page.url(), /viewPanel=panel-1/);
  await page.keyboard.press('Escape');
  await panel(page, 'Error Rate').waitFor();

  await menu('Inspect');
  await page.getByRole('tab', { name: 'Query' }).click();
  await page.getByText('sum by(job)(rate(http_requests_total[5m]))').waitFor();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await page.getByText('"expr": "sum by(job)(rate(http_requests_total[5m]))"').waitFor();
  await page.getByRole('tab', { name: 'Data' }).click();
  await page.getByRole('columnheader', { name: 'Time' }).waitFor();
  await shoot(page, 'inspect');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Data' }).waitFor({ state: 'detached' });

  await menu('Explore');
  await page.getByTestId('promql-editor').getByText('http_requests_total').waitFor();
  await panel(page, 'Graph').locator('canvas').first().waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('kiosk leaves only the panels, Escape brings the rest back', async () => {
  const { page, faults, close } = await open('/d/application-metrics/x?kiosk&refresh=');
  await panel(page, 'Request Rate').waitFor();
  assert.equal(await page.getByRole('navigation', { name: 'Main' }).count(), 0);
  await page.keyboard.press('Escape');
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('Explore completes, draws a graph and a table, and keeps its address', async () => {
  const { page, faults, close } = await open('/explore');
  await page.getByRole('textbox', { name: 'Query A' }).click();
  await page.keyboard.type('http_requests_t', { delay: 30 });
  await page.getByRole('option', { name: 'http_requests_total' }).click();
  await page.getByTestId('promql-editor').getByText('http_requests_total').waitFor();
  await page.keyboard.press('Enter');
  await panel(page, 'Graph').locator('canvas').first().waitFor();
  await panel(page, 'Table').getByRole('columnheader', { name: 'Value' }).waitFor();
  assert.match(decodeURIComponent(page.url()), /"expr":"http_requests_total"/);
  await shoot(page, 'explore');
  assert.deepEqual(faults, []);
  await close();
});

function ask(expr) {
  const panes = JSON.stringify({ a: { queries: [{ refId: 'A', expr }] } });
  return `/explore?panes=${encodeURIComponent(panes)}`;
}

test('a wrong query shows the error of Prometheus', async () => {
  const { page, close } = await open(ask('rate(up[5m]'));
  await panel(page, 'Graph')
    .getByText(/bad_data: .*parse error/)
    .waitFor();
  await close();
});

test('an empty answer says which range was looked at', async () => {
  const { page, faults, close } = await open(ask('nothing_here'));
  await panel(page, 'Graph')
    .getByText(/No series was found between/)
    .waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('targets are listed with their state and last error', async () => {
  const { page, faults, close } = await open('/targets');
  await page.getByRole('heading', { name: /sample/ }).waitFor();
  await page.getByText('down', { exact: true }).first().waitFor();
  await page
    .getByText(/connection refused|failed to connect/i)
    .first()
    .waitFor();
  await shoot(page, 'targets');
  await page.getByText('Only unhealthy').click();
  await page.getByText('up', { exact: true }).first().waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await close();
});

test('alert rules are listed with their state', async () => {
  const { page, faults, close } = await open('/alerting/list');
  const rules = stack.mock ? ['HighErrorRate', 'HighLatency'] : RULES;
  for (const name of rules) {
    const rule = page.locator('details', { hasText: name });
    await rule.first().waitFor();
    assert.match(
      await rule.first().innerText(),
      /not evaluated yet|inactive|pending|firing/,
      `${name} says nothing of its state`
    );
  }
  await page.locator('details', { hasText: 'HighLatency' }).first().locator('summary').click();
  await page.getByText('histogram_quantile(0.95').first().waitFor();
  await shoot(page, 'alert-rules');
  assert.deepEqual(faults, []);
  await close();
});

test('a broken rule group shows its error where it is', async (t) => {
  if (stack.mock) {
    return t.skip('the mock has none');
  }
  const { page, faults, close } = await open('/alerting/list');
  const torn = page.getByRole('region', { name: 'torn' });
  const said = torn.getByRole('alert');
  await said.waitFor();
  assert.match(
    await said.innerText(),
    /not in use: none of its rules[\s\S]*broken\.yaml:4: group "torn", rule 1/
  );
  await torn.locator('details', { hasText: 'NeverLoaded' }).waitFor();
  assert.equal(await page.getByText('The rules have problems').count(), 0, 'said twice');
  // The good group of the same file is in use.
  const whole = page.getByRole('region', { name: 'whole' });
  await whole.locator('details', { hasText: 'job:up:sum' }).waitFor();
  assert.equal(await whole.getByRole('alert').count(), 0);
  await shoot(page, 'alert-rules-broken');
  assert.deepEqual(faults, []);
  await close();
});

test('the theme follows the browser until one is chosen', async () => {
  const { page, faults, close } = await open('/', { colorScheme: 'light' });
  const scheme = () => page.evaluate(() => document.documentElement.style.colorScheme);
  await page.getByText('Cluster health').waitFor();
  assert.equal(await scheme(), 'light');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitem', { name: 'Dark' }).click();
  await page.waitForFunction(() => document.documentElement.style.colorScheme === 'dark');
  await page.reload();
  await page.getByText('Cluster health').waitFor();
  assert.equal(await scheme(), 'dark');
  assert.deepEqual(faults, []);
  await close();
});

test('the search opens by keyboard and goes to a dashboard', async () => {
  const { page, faults, close } = await open('/');
  await page.getByText('Cluster health').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').getByText('Node metrics').waitFor();
  await page.keyboard.type('node');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/d\/node-metrics/);
  assert.deepEqual(faults, []);
  await close();
});

test('every page fits a phone', async () => {
  const { page, faults, close } = await open('/', { viewport: PHONE });
  for (const path of ['/', '/dashboards', '/explore', ask('up'), '/targets', '/alerting/list']) {
    await page.goto(base + path);
    await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
    await page.waitForLoadState('networkidle');
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth
    );
    assert.equal(overflow, 0, `${path} scrolls sideways`);
    await shoot(page, `phone${path.split('?')[0].replaceAll('/', '-')}`);
  }
  assert.deepEqual(faults, []);
  await close();
});

test('signing out ends the session', async () => {
  const { page, close } = await open('/');
  await page.getByRole('button', { name: /^Signed in as/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByText('hearth login --data DIR').waitFor();
  const me = await page.request.get(`${base}/api/user`);
  assert.equal(me.status(), 401);
  await close();
});
