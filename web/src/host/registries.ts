// SPDX-License-Identifier: Apache-2.0
// The registries that Grafana core fills when it starts.
import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldConfigProperty,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type FieldConfigPropertyItem,
  type TransformerRegistryItem,
} from '@grafana/data';

type Process = FieldConfigPropertyItem['process'];

const none = () => null;

function property(id: string, process: unknown, settings: object = {}): FieldConfigPropertyItem {
  return {
    id,
    path: id,
    name: id,
    editor: none,
    override: none,
    process: process as Process,
    shouldApply: () => true,
    settings,
  };
}

export function fillRegistries() {
  standardEditorsRegistry.setInit(() => []);
  standardFieldConfigEditorRegistry.setInit(() => [
    property(FieldConfigProperty.Unit, unitOverrideProcessor),
    property(FieldConfigProperty.Min, numberOverrideProcessor),
    property(FieldConfigProperty.Max, numberOverrideProcessor),
    property('fieldMinMax', booleanOverrideProcessor),
    property(FieldConfigProperty.Decimals, numberOverrideProcessor),
    property(FieldConfigProperty.DisplayName, displayNameOverrideProcessor, {
      expandTemplateVars: true,
    }),
    property(FieldConfigProperty.Color, identityOverrideProcessor),
    property(FieldConfigProperty.NoValue, stringOverrideProcessor),
    property(FieldConfigProperty.Links, dataLinksOverrideProcessor),
    property('actions', dataLinksOverrideProcessor),
    property(FieldConfigProperty.Mappings, valueMappingsOverrideProcessor),
    property(FieldConfigProperty.Thresholds, thresholdsOverrideProcessor),
    property(FieldConfigProperty.Filterable, booleanOverrideProcessor),
  ]);
  standardTransformersRegistry.setInit(() => {
    const byId = new Map(Object.values(standardTransformers).map((t) => [t.id, t]));
    return [...byId.values()].map(
      (t) =>
        ({
          id: t.id,
          name: t.name,
          transformation: async () => t,
          editor: none,
          imageDark: '',
          imageLight: '',
        }) as unknown as TransformerRegistryItem
    );
  });
}
