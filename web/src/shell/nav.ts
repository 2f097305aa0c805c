// SPDX-License-Identifier: Apache-2.0
import type { IconName } from '@grafana/data';

export interface NavItem {
  text: string;
  path: string;
  icon: IconName;
  /** Other paths of the same area. */
  also?: string[];
}

export const NAV: NavItem[] = [
  { text: 'Home', path: '/', icon: 'home-alt' },
  { text: 'Dashboards', path: '/dashboards', icon: 'apps', also: ['/d/'] },
  { text: 'Explore', path: '/explore', icon: 'compass' },
  { text: 'Alert rules', path: '/alerting/list', icon: 'bell', also: ['/alerting'] },
  { text: 'Targets', path: '/targets', icon: 'crosshair' },
];

export const isActive = (item: NavItem, pathname: string) =>
  pathname === item.path || (item.also ?? []).some((prefix) => pathname.startsWith(prefix));
