// SPDX-License-Identifier: Apache-2.0
// What the browser tests look at: a hearth of their own with everything it scrapes, or what
// HEARTH_URL and HEARTH_SIGN_IN name, or with UI_MOCK=1 the mock server of web/dev.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export const ROOT = process.env.HEARTH_ROOT ?? path.resolve(import.meta.dirname, '../..');
const BUILD = process.env.HEARTH_BUILD ?? path.join(ROOT, 'build/release');
const PEERS = process.env.HEARTH_PEERS ?? path.join(ROOT, 'build/peers');
const BINARY = process.env.HEARTH_BIN ?? path.join(BUILD, 'hearth');
/** A hang is a failure; a slow machine is not. */
const START_LIMIT_MS = 60_000;
const DASHBOARDS = ['cluster-health', 'node-metrics', 'application-metrics'];

/** A group that is not in use, one that is, and a file of none. */
const BROKEN_RULES = `groups:
  - name: torn
    rules:
      - {alert: NeverLoaded, expr: 'sum(up', labels: {severity: page}}
  - name: whole
    rules:
      - {record: 'job:up:count', expr: count by (job) (up)}
      - {record: 'job:up:sum', expr: sum by (job) (up)}
`;

const children = [];

/** Starts a program and resolves with the first match of `wanted` in what it prints. */
function start(program, args, wanted) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(
      () => reject(new Error(`${program} did not print ${wanted}\n${printed}`)),
      START_LIMIT_MS
    );
    const read = (chunk) => {
      printed += chunk;
      const match = wanted.exec(printed);
      if (match) {
        clearTimeout(timer);
        resolve(match);
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', (error) => reject(new Error(`${program}: ${error.message}`)));
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}\n${printed}`)));
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const BOTH_LINES = /sign in: (\S+)[\s\S]*hearth is ready: (\S+)/;
const PORT_LINE = /listens on port (\d+)/;

async function ownHearth(folder) {
  const nodePort = await freePort();
  const [, samplePort] = await start(path.join(BUILD, 'sample'), [], PORT_LINE);
  const recording = path.join(ROOT, 'deploy/local/recorded-cluster.txt.gz');
  const [, replayPort] = await start(
    path.join(BUILD, 'replay'),
    ['--recording', recording],
    PORT_LINE
  );
  await start(
    path.join(PEERS, 'bin/prometheus-node-exporter'),
    [`--web.listen-address=127.0.0.1:${nodePort}`],
    /[Ll]istening on|address=127/
  );
  const job = (name, port, labels = '') =>
    `  - job_name: ${name}\n    static_configs:\n      - targets: ['127.0.0.1:${port}']\n${labels}`;
  const config = [
    'global:\n  scrape_interval: 2s\n  scrape_timeout: 2s\n',
    `rule_files:\n  - ${path.join(ROOT, 'rules/alerts.yaml')}\n  - broken.yaml\n`,
    'scrape_configs:\n',
    job('node', nodePort, '        labels: {instance: this-machine}\n'),
    job('sample', samplePort),
    job(
      'recorded',
      replayPort,
      '        labels: {cluster: recorded, instance: recorded-cluster}\n'
    ),
    job('gone', await freePort()),
    'hearth:\n  dashboards:\n',
    ...DASHBOARDS.map((name) => `    - ${path.join(ROOT, 'dashboards', `${name}.json`)}\n`),
  ].join('');
  fs.writeFileSync(path.join(folder, 'broken.yaml'), BROKEN_RULES);
  const file = path.join(folder, 'hearth.yaml');
  fs.writeFileSync(file, config);
  const args = ['serve', '--data', path.join(folder, 'data'), '--config', file];
  args.push('--listen', '127.0.0.1:0', '--listen-tls', '127.0.0.1:0');
  return start(BINARY, args, BOTH_LINES);
}

/** {url, signIn, stop}: the root of the server, a link that was not used, and how to end it all. */
export async function startStack() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-ui-'));
  const stop = async () => {
    // The server first: it takes what it has scraped to disk.
    for (const child of children.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await ended;
      }
    }
    fs.rmSync(folder, { recursive: true, force: true });
  };
  if (process.env.HEARTH_URL) {
    const { HEARTH_URL: url, HEARTH_SIGN_IN: signIn } = process.env;
    return { url: url.replace(/\/$/, ''), signIn, mock: false, stop };
  }
  const mock = Boolean(process.env.UI_MOCK);
  try {
    const [, signIn, url] = mock
      ? await start(process.execPath, [path.join(ROOT, 'web/dev/mock.mjs')], BOTH_LINES)
      : await ownHearth(folder);
    return { url, signIn, mock, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
