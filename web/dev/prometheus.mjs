// SPDX-License-Identifier: Apache-2.0
// Answers in Prometheus' form for the queries of our dashboards: shapes only, no PromQL.

const NODES = ['10.0.12.31:9100', '10.0.47.8:9100', '10.0.88.140:9100'];
const JOBS = ['checkout', 'frontend', 'payments'];
const SPACES = [
  'default',
  'kube-system',
  'media',
  'monitoring',
  'observability',
  'payments',
  'platform',
  'shop',
];
const CLAIMS = [
  ['monitoring', 'prometheus-data'],
  ['shop', 'postgres-0'],
  ['media', 'uploads'],
  ['payments', 'ledger'],
];

const nodes = (base, swing, scale = 1) =>
  NODES.map((instance, i) => ({
    labels: { instance },
    base: (base + i * swing * 0.8) * scale,
    swing: swing * scale,
  }));
const jobs = (base, swing) =>
  JOBS.map((job, i) => ({ labels: { job }, base: base * (1 + i * 0.7), swing }));

/** The first pattern that the expression holds decides what it is answered with. */
const SHAPES = [
  [/nothing_here|^\s*$/, () => []],
  [/avg by \(instance\).*node_cpu/, () => nodes(24, 9)],
  [/node_cpu_seconds_total/, () => [{ labels: {}, base: 31, swing: 8 }]],
  [/node_memory_MemAvailable/, () => nodes(52, 6)],
  [/node_disk_read/, () => nodes(3, 2, 1e6)],
  [/node_disk_written/, () => nodes(6, 4, 1e6)],
  [/node_network_receive/, () => nodes(11, 5, 1e6)],
  [/node_network_transmit/, () => nodes(8, 3, 1e6)],
  [
    /kube_pod_status_phase/,
    () =>
      SPACES.map((namespace, i) => ({
        labels: { namespace },
        base: 4 + ((i * 7) % 17),
        swing: 1.2,
        whole: true,
      })),
  ],
  [
    /kubelet_volume/,
    () =>
      CLAIMS.map(([namespace, persistentvolumeclaim], i) => ({
        labels: { namespace, persistentvolumeclaim },
        base: [0.42, 0.81, 0.64, 0.93][i],
        swing: 0.01,
      })),
  ],
  [/code=~"5/, () => jobs(0.4, 0.5)],
  [/sum\(rate\(http_requests_total/, () => [{ labels: {}, base: 210, swing: 60 }]],
  [/by\s*\(job\).*http_requests_total/, () => jobs(48, 18)],
  [/histogram_quantile/, () => [{ labels: {}, base: 0.31, swing: 0.16 }]],
  [/http_active_connections/, () => jobs(30, 9).map((one) => ({ ...one, whole: true }))],
  [
    /./,
    () => [
      ...nodes(1, 0).map((one) => ({
        ...one,
        labels: { __name__: 'up', job: 'node', ...one.labels },
      })),
    ],
  ],
];

const noise = (seed) => {
  const x = Math.sin(seed * 127.1) * 43758.5453;
  return x - Math.floor(x) - 0.5;
};

function valueAt({ base, swing, whole }, i, t) {
  const wave =
    Math.sin(t / 420 + i * 1.7) * 0.6 +
    Math.sin(t / 97 + i) * 0.25 +
    noise(Math.round(t / 15) + i * 31) * 0.35;
  const value = Math.max(0, base + swing * wave);
  return String(whole ? Math.round(value) : value);
}

function shapes(expr) {
  const picked = /instance=~"([^"]*)"/.exec(expr)?.[1].replace(/\\\\/g, '\\');
  const keep = picked ? new RegExp(`^(?:${picked})$`) : undefined;
  return SHAPES.find(([pattern]) => pattern.test(expr))[1]().filter(
    ({ labels }) => !keep || !labels.instance || keep.test(labels.instance)
  );
}

const fail = (message) => ({ status: 400, errorType: 'bad_data', error: message });
const ok = (data, more = {}) => ({ status: 200, data, ...more });

function query(params) {
  const expr = params.get('query') ?? '';
  if ((expr.match(/\(/g) ?? []).length !== (expr.match(/\)/g) ?? []).length) {
    return fail('invalid parameter "query": 1:1: parse error: unclosed left parenthesis');
  }
  const t = Number(params.get('time') ?? Date.now() / 1000);
  const result = shapes(expr).map((one, i) => ({
    metric: one.labels,
    value: [t, valueAt(one, i, t)],
  }));
  return ok({ resultType: 'vector', result });
}

function queryRange(params) {
  const bad = query(params);
  if (bad.status !== 200) {
    return bad;
  }
  const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(params.get(name)));
  const result = shapes(params.get('query')).map((one, i) => {
    const values = [];
    for (let t = start; t <= end; t += step) {
      values.push([t, valueAt(one, i, t)]);
    }
    return { metric: one.labels, values };
  });
  return ok({ resultType: 'matrix', result });
}

function targets() {
  const one = (scrapePool, instance, health, lastError = '') => ({
    scrapePool,
    scrapeUrl: `http://${instance}/metrics`,
    labels: { instance, job: scrapePool },
    discoveredLabels: { __address__: instance },
    health,
    lastError,
    lastScrape: new Date(Date.now() - 3200).toISOString(),
    lastScrapeDuration: 0.0123,
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
  });
  return ok({
    activeTargets: [
      ...NODES.map((node) => one('node', node, 'up')),
      one('hearth', '127.0.0.1:9320', 'up'),
      one('sample', '127.0.0.1:8080', 'up'),
      one(
        'sample',
        '127.0.0.1:8081',
        'down',
        'Get "http://127.0.0.1:8081/metrics": dial tcp 127.0.0.1:8081: connect: connection refused'
      ),
    ],
    droppedTargets: [],
  });
}

function rules() {
  const rule = (name, expr, seconds, severity, more = {}) => ({
    name,
    query: expr,
    type: 'alerting',
    duration: seconds,
    labels: { severity },
    annotations: { summary: `${name} on {{ $labels.instance }}` },
    alerts: [],
    state: 'inactive',
    health: 'unknown',
    ...more,
  });
  const done = {
    health: 'ok',
    lastEvaluation: new Date(Date.now() - 9000).toISOString(),
    evaluationTime: 0.002,
  };
  const firing = {
    state: 'firing',
    alerts: [
      {
        labels: { alertname: 'HighLatency', job: 'checkout' },
        state: 'firing',
        activeAt: new Date(Date.now() - 8e5).toISOString(),
        value: '7.1e-01',
      },
    ],
  };
  return ok({
    groups: [
      {
        name: 'applications',
        file: 'rules/alerts.yaml',
        interval: 60,
        rules: [
          rule(
            'HighErrorRate',
            'sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))' +
              ' / sum by (job) (rate(http_requests_total[5m])) > 0.05',
            300,
            'critical',
            done
          ),
          rule(
            'HighLatency',
            'histogram_quantile(0.95, sum by (job, le)' +
              ' (rate(http_request_duration_seconds_bucket[5m]))) > 0.5',
            600,
            'warning',
            { ...done, ...firing }
          ),
        ],
      },
      {
        name: 'nodes',
        file: 'rules/alerts.yaml',
        interval: 60,
        rules: [
          rule(
            'NodeMemoryPressure',
            '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0.90',
            600,
            'warning'
          ),
          rule(
            'ContainerOOMKilled',
            'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
            0,
            'critical'
          ),
        ],
      },
    ],
  });
}

const LABELS = {
  instance: NODES,
  job: ['node', ...JOBS],
  namespace: SPACES,
  __name__: [
    'up',
    'http_requests_total',
    'http_request_duration_seconds_bucket',
    'node_cpu_seconds_total',
    'node_memory_MemAvailable_bytes',
    'kube_pod_status_phase',
  ],
};

export function answerPrometheus(path, params) {
  const label = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(path);
  if (label) {
    return envelope(ok(LABELS[label[1]] ?? []));
  }
  switch (path.replace('/api/v1/', '')) {
    case 'query':
      return envelope(query(params));
    case 'query_range':
      return envelope(queryRange(params));
    case 'labels':
      return envelope(ok(Object.keys(LABELS)));
    case 'series':
      return envelope(ok(NODES.map((instance) => ({ __name__: 'up', instance, job: 'node' }))));
    case 'metadata':
      return envelope(
        ok({ up: [{ type: 'gauge', help: 'Whether the target answered', unit: '' }] })
      );
    case 'targets':
      return envelope(targets());
    case 'rules':
      return envelope(rules());
    default:
      return envelope({ status: 404, errorType: 'not_found', error: `no answer for ${path}` });
  }
}

/** The HTTP code beside Prometheus' own envelope. */
const envelope = ({ status, ...rest }) => ({
  status,
  body: { status: status === 200 ? 'success' : 'error', ...rest },
});
