// SPDX-License-Identifier: Apache-2.0
// A row or a panel drawn once for each value of a variable. Everything below moves down.
import {
  LocalValueVariable,
  MultiValueVariable,
  sceneGraph,
  SceneGridLayout,
  SceneGridRow,
  SceneObjectBase,
  SceneVariableSet,
  VariableDependencyConfig,
  type SceneGridItemLike,
  type SceneObjectState,
  type VariableValueSingle,
} from '@grafana/scenes';
import { COLUMNS, type PanelPlan, type RowPlan } from './plan';
import { toGridItem, toRow } from './toScene';

interface Value {
  value: VariableValueSingle;
  text: string;
}

type Container = SceneGridLayout | SceneGridRow;

interface RepeatState<P> extends SceneObjectState {
  plan: P;
  variableName: string;
  /** Stands in the grid from the start and keeps the place until the values are known. */
  first: SceneGridItemLike;
}

function valuesOf(variable: MultiValueVariable): Value[] {
  if (variable.hasAllValue()) {
    return variable.state.options.map(({ value, label }) => ({ value, text: label }));
  }
  const values = [variable.getValue()].flat() as VariableValueSingle[];
  // getValueText() joins several into one.
  const texts = [variable.state.text].flat();
  return values.map((value, i) => ({ value, text: String(texts[i] ?? value) }));
}

/** Moves an item down, and with a row what stands in it. */
function shift(item: SceneGridItemLike, by: number) {
  item.setState({ y: (item.state.y ?? 0) + by });
  if (item instanceof SceneGridRow) {
    item.state.children.forEach((child) => shift(child, by));
  }
}

abstract class Repeat<P extends { key: string; y: number }> extends SceneObjectBase<
  RepeatState<P>
> {
  protected _variableDependency = new VariableDependencyConfig(this, {
    variableNames: [this.state.variableName],
    onVariableUpdateCompleted: () => this.run(),
  });
  private drawn: SceneGridItemLike[] = [this.state.first];
  private drawnHeight = 0;
  private drawnFor = '';

  constructor(state: RepeatState<P>) {
    super(state);
    this.addActivationHandler(() => this.run());
  }

  /** The height one copy takes in the JSON's own layout. */
  protected abstract readonly plannedHeight: number;
  /** One item for each value, `dy` grid rows below where the JSON has it. */
  protected abstract build(
    values: Value[],
    variable: MultiValueVariable,
    dy: number
  ): SceneGridItemLike[];
  protected abstract heightOf(count: number): number;

  protected local(variable: MultiValueVariable, { value, text }: Value) {
    const { isMulti, includeAll } = variable.state;
    const name = this.state.variableName;
    return new SceneVariableSet({
      variables: [new LocalValueVariable({ name, value, text, isMulti, includeAll })],
    });
  }

  private run() {
    const variable = sceneGraph.lookupVariable(this.state.variableName, this);
    if (
      !(variable instanceof MultiValueVariable) ||
      sceneGraph.hasVariableDependencyInLoadingState(this)
    ) {
      return;
    }
    const values = valuesOf(variable);
    const key = JSON.stringify(values);
    if (key === this.drawnFor || values.length === 0) {
      return;
    }
    const before = this.drawnHeight || this.plannedHeight;
    this.drawnFor = key;
    this.drawnHeight = this.heightOf(values.length);
    const container = this.parent as Container;
    const top = this.drawn[0].state.y ?? this.state.plan.y;
    this.makeRoom(container, top, this.drawnHeight - before);
    const old = new Set(this.drawn);
    this.drawn = this.build(values, variable, top - this.state.plan.y);
    const others = container.state.children.filter((child) => !old.has(child));
    const children = [...others, ...this.drawn];
    container.setState({ children: children.sort((a, b) => (a.state.y ?? 0) - (b.state.y ?? 0)) });
  }

  private makeRoom(container: Container, top: number, by: number) {
    const mine = new Set(this.drawn);
    const move = (items: SceneGridItemLike[]) =>
      items
        .filter((item) => (item.state.y ?? 0) > top && !mine.has(item))
        .forEach((item) => shift(item, by));
    move(container.state.children);
    // A closed row takes one line whatever is in it.
    if (container instanceof SceneGridRow && !container.state.isCollapsed) {
      move(sceneGraph.getAncestor(container, SceneGridLayout).state.children);
    }
  }
}

export class RowRepeat extends Repeat<RowPlan> {
  protected get plannedHeight() {
    const { plan } = this.state;
    return plan.collapsed ? 1 : Math.max(1, ...plan.panels.map((p) => p.y + p.h - plan.y));
  }

  protected heightOf(count: number) {
    return count * this.plannedHeight;
  }

  protected build(values: Value[], variable: MultiValueVariable, dy: number) {
    return values.map((value, i) => {
      const row = toRow(this.state.plan, i === 0 ? '' : `-${i}`, dy + i * this.plannedHeight);
      row.setState({ $variables: this.local(variable, value) });
      return row;
    });
  }
}

export class PanelRepeat extends Repeat<PanelPlan> {
  protected get plannedHeight() {
    return this.state.plan.h;
  }

  private get perRow() {
    const { repeat } = this.state.plan;
    return repeat?.direction === 'v' ? 1 : Math.max(1, repeat?.maxPerRow ?? 4);
  }

  protected heightOf(count: number) {
    return Math.max(1, Math.ceil(count / this.perRow)) * this.state.plan.h;
  }

  protected build(values: Value[], variable: MultiValueVariable, dy: number) {
    const { plan } = this.state;
    const columns = Math.min(this.perRow, values.length);
    const w = plan.repeat?.direction === 'v' ? plan.w : Math.floor(COLUMNS / Math.max(1, columns));
    return values.map((value, i) => {
      const x = plan.repeat?.direction === 'v' ? plan.x : (i % columns) * w;
      const below = dy + Math.floor(i / columns) * plan.h;
      const item = toGridItem({ ...plan, x, w }, i === 0 ? '' : `-${i}`, below);
      item.setState({ $variables: this.local(variable, value) });
      return item;
    });
  }
}
