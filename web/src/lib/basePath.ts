// SPDX-License-Identifier: Apache-2.0

/** Where this workspace's UI and API live, without a slash at the end; '' for a host of its own. */
export function basePathOf(pathname: string): string {
  const workspace = /^\/g-[0-9a-f]{10}(?=\/|$)/.exec(pathname);
  if (workspace) {
    return workspace[0];
  }
  const alias = /^\/grafana\/[^/]+(?=\/|$)/.exec(pathname);
  return alias ? alias[0] : '';
}

/** True when the address names a workspace, by path or by host name. */
export function isWorkspace(pathname: string, hostname: string): boolean {
  return basePathOf(pathname) !== '' || /^g-[0-9a-f]{10}\./.test(hostname);
}

const here = typeof window === 'undefined' ? undefined : window.location;

export const basePath = here ? basePathOf(here.pathname) : '';
export const inWorkspace = here ? isWorkspace(here.pathname, here.hostname) : false;
