// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { carried, tagged, withQuery } from './links';

const search = '?from=now-6h&to=now&var-node=a&var-node=b&refresh=10s&viewPanel=panel-1';

test.each([
  [{ keepTime: true, includeVars: true }, 'from=now-6h&to=now&var-node=a&var-node=b'],
  [{ keepTime: true }, 'from=now-6h&to=now'],
  [{ includeVars: true }, 'var-node=a&var-node=b'],
  [{}, ''],
])('a link with %o takes %s along', (link, wanted) => {
  expect(carried(search, link)).toBe(wanted);
});

test('a query is added to an address with and without one', () => {
  expect(withQuery('/d/x', 'a=1')).toBe('/d/x?a=1');
  expect(withQuery('/d/x?b=2', 'a=1')).toBe('/d/x?b=2&a=1');
  expect(withQuery('/d/x', '')).toBe('/d/x');
});

test('dashboards are found by all tags', () => {
  const hit = (uid: string, tags: string[]) => ({
    uid,
    title: uid,
    url: '',
    type: 'dash-db',
    tags,
  });
  const hits = [hit('a', ['x', 'y']), hit('b', ['x'])] as never;
  expect(tagged(hits, { tags: ['x', 'y'] }).map((one) => one.uid)).toEqual(['a']);
  expect(tagged(hits, { tags: [] })).toHaveLength(2);
});
