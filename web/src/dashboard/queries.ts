// SPDX-License-Identifier: Apache-2.0
import { SceneDataTransformer, SceneQueryRunner, type VizPanel } from '@grafana/scenes';

/** The runner behind a panel, also where transformations stand between; none for text panels. */
export function queryRunnerOf(panel: VizPanel): SceneQueryRunner | undefined {
  const data = panel.state.$data;
  if (data instanceof SceneQueryRunner) {
    return data;
  }
  const inner = data instanceof SceneDataTransformer ? data.state.$data : undefined;
  return inner instanceof SceneQueryRunner ? inner : undefined;
}
