// SPDX-License-Identifier: Apache-2.0
import { locationService } from '@grafana/runtime';
import { Dropdown, Menu, ToolbarButton } from '@grafana/ui';
import type { DashboardJson } from './model';

/** What a dashboard offers beside its panels; drawn by the scene's own control bar. */
export function DashboardMenu({ json }: { json: DashboardJson }) {
  const menu = () => (
    <Menu>
      <Menu.Item
        label="Full screen (kiosk)"
        icon="monitor"
        description="Esc leaves it"
        onClick={() => locationService.partial({ kiosk: true })}
      />
      <Menu.Item
        label="Copy link"
        icon="link"
        onClick={() => navigator.clipboard?.writeText(window.location.href)}
      />
      <Menu.Item label="Download JSON" icon="download-alt" onClick={() => download(json)} />
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <ToolbarButton
        icon="ellipsis-v"
        variant="canvas"
        aria-label="Dashboard menu"
        tooltip="More"
      />
    </Dropdown>
  );
}

function download(json: DashboardJson) {
  const blob = new Blob([JSON.stringify(json, null, 2)], { type: 'application/json' });
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(blob);
  anchor.download = `${json.uid ?? 'dashboard'}.json`;
  anchor.click();
  URL.revokeObjectURL(anchor.href);
}
