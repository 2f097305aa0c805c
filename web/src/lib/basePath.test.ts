// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { basePathOf, isWorkspace } from './basePath';

test.each([
  ['/g-0123456789/', '/g-0123456789'],
  ['/g-0123456789', '/g-0123456789'],
  ['/g-0123abcdef/d/x/y', '/g-0123abcdef'],
  ['/grafana/default/explore', '/grafana/default'],
  ['/grafana/my%20team', '/grafana/my%20team'],
  ['/g-0123456789a/', ''],
  ['/g-XYZ/', ''],
  ['/grafana', ''],
  ['/grafana/', ''],
  ['/login', ''],
  ['/', ''],
])('the base path of %s is %o', (path, base) => {
  expect(basePathOf(path)).toBe(base);
});

test('a workspace is named by its path or by its own host', () => {
  expect(isWorkspace('/d/x', 'g-0123456789.grafana-workspace.us-east-1.example.org')).toBe(true);
  expect(isWorkspace('/g-0123456789/', 'localhost')).toBe(true);
  expect(isWorkspace('/login', 'localhost')).toBe(false);
});
