// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { DEFAULT_EXPLORE, exploreUrl, parseExplore } from './explore';

test('an address says what was asked', () => {
  const state = {
    datasource: 'AMP',
    queries: [
      { refId: 'A', expr: 'rate(x{a="b&c"}[5m])\n# comment' },
      { refId: 'B', expr: 'up', hide: true },
    ],
    from: 'now-6h',
    to: 'now',
  };
  const url = exploreUrl(state);
  expect(parseExplore(url.slice(url.indexOf('?')))).toEqual(state);
});

test.each([
  ['?panes=notjson'],
  ['?panes=[]'],
  ['?panes=null'],
  ['?panes={"a":1}'],
  [''],
  ['?panes={}'],
])('%s is an empty Explore', (search) => {
  expect(parseExplore(search)).toEqual(DEFAULT_EXPLORE);
});

test('what is missing in a pane has its default', () => {
  expect(parseExplore('?panes={"x":{"queries":[{"expr":"up"}]}}')).toEqual({
    datasource: '',
    queries: [{ refId: 'A', expr: 'up' }],
    from: 'now-1h',
    to: 'now',
  });
});
