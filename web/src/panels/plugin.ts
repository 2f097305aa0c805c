// SPDX-License-Identifier: Apache-2.0
// What every panel type needs to be a PanelPlugin: its field options, defaults and meta data.
import {
  FieldColorModeId,
  FieldConfigProperty,
  identityOverrideProcessor,
  PanelPlugin,
  PluginType,
  type PanelProps,
} from '@grafana/data';
import type { ComponentType } from 'react';

export interface PanelSpec<O extends object> {
  id: string;
  name: string;
  component: ComponentType<PanelProps<O>>;
  defaults?: Partial<O>;
  /** `custom.*` options of a field: one that is not registered here is dropped from overrides. */
  custom?: string[];
  color?: FieldColorModeId;
  /** Draws no data, so nothing is asked for it. */
  skipQuery?: boolean;
  noPadding?: boolean;
}

const none = () => null;

export function makePlugin<O extends object>(spec: PanelSpec<O>): PanelPlugin {
  const plugin = new PanelPlugin<O>(spec.component);
  plugin.useFieldConfig({
    standardOptions: {
      [FieldConfigProperty.Color]: {
        defaultValue: { mode: spec.color ?? FieldColorModeId.Thresholds },
      },
    },
    useCustomConfig: (builder) => {
      for (const path of spec.custom ?? []) {
        builder.addCustomEditor({
          id: path,
          path,
          name: path,
          editor: none,
          override: none,
          process: identityOverrideProcessor,
          shouldApply: () => true,
        });
      }
    },
  });
  plugin.setPanelOptions((builder) => {
    for (const [path, defaultValue] of Object.entries(spec.defaults ?? {})) {
      builder.addCustomEditor({ id: path, path, name: path, editor: none, defaultValue });
    }
  });
  // Without this scenes keeps annotations from the panel.
  plugin.setDataSupport({ annotations: true, alertStates: true });
  if (spec.noPadding) {
    plugin.setNoPadding();
  }
  plugin.meta = {
    id: spec.id,
    name: spec.name,
    type: PluginType.panel,
    sort: 0,
    module: '',
    baseUrl: '',
    skipDataQuery: spec.skipQuery,
    info: {
      author: { name: 'hearth' },
      description: '',
      links: [],
      logos: { small: '', large: '' },
      screenshots: [],
      updated: '',
      version: '',
    },
  };
  return plugin as unknown as PanelPlugin;
}
