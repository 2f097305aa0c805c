// SPDX-License-Identifier: Apache-2.0
import { textUtil } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Dropdown, LinkButton, Menu, ToolbarButton } from '@grafana/ui';
import { useLocation } from 'react-router-dom';
import { searchDashboards } from '../api/dashboards';
import { basePath } from '../lib/basePath';
import { hitPath } from '../pages/dashboardList';
import { useLoad } from '../shell/useLoad';
import { carried, tagged, withQuery } from './links';
import type { LinkJson } from './model';

export function DashboardLinks({ links }: { links: LinkJson[] }) {
  return links.map((link, i) =>
    link.type === 'dashboards' ? (
      <ByTag key={i} link={link} />
    ) : link.url ? (
      <Fixed key={i} link={link} />
    ) : null
  );
}

function Fixed({ link }: { link: LinkJson }) {
  const { search } = useLocation();
  const url = textUtil.sanitizeUrl(link.url ?? '');
  return (
    <LinkButton
      variant="secondary"
      fill="outline"
      icon="link"
      tooltip={link.tooltip || undefined}
      target={link.targetBlank ? '_blank' : undefined}
      rel="noreferrer"
      href={withQuery(url, carried(search, link))}
    >
      {link.title || link.url}
    </LinkButton>
  );
}

function ByTag({ link }: { link: LinkJson }) {
  const { search } = useLocation();
  const { value: hits } = useLoad(() => searchDashboards(), 'links');
  const found = tagged(hits ?? [], link);
  const query = carried(search, link);
  if (!link.asDropdown) {
    return found.map((hit) => (
      <LinkButton
        key={hit.uid}
        variant="secondary"
        fill="outline"
        icon="apps"
        href={withQuery(basePath + hitPath(hit), query)}
      >
        {hit.title}
      </LinkButton>
    ));
  }
  const menu = () => (
    <Menu>
      {found.map((hit) => (
        <Menu.Item
          key={hit.uid}
          label={hit.title}
          icon="apps"
          onClick={() => locationService.push(withQuery(hitPath(hit), query))}
        />
      ))}
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <ToolbarButton icon="apps" variant="canvas" aria-label={link.title || 'Dashboards'}>
        {link.title || 'Dashboards'}
      </ToolbarButton>
    </Dropdown>
  );
}
