// SPDX-License-Identifier: Apache-2.0
import type { Rule, RuleGroup } from '../api/prometheus';

/** Go's zero time is what a rule carries that was never evaluated. */
export const neverEvaluated = (rule: Rule) =>
  !rule.lastEvaluation || rule.lastEvaluation.startsWith('0001-01-01');

export type RuleState =
  'firing' | 'pending' | 'inactive' | 'recording' | 'failing' | 'not evaluated yet';

export function ruleState(rule: Rule): RuleState {
  if (rule.health === 'err') {
    return 'failing';
  }
  if (rule.health === 'unknown' && neverEvaluated(rule)) {
    return 'not evaluated yet';
  }
  if (rule.type === 'recording') {
    return 'recording';
  }
  return rule.state === 'firing' || rule.state === 'pending' ? rule.state : 'inactive';
}

export function ruleTotals(groups: RuleGroup[]) {
  const states = groups.flatMap((group) => group.rules).map(ruleState);
  const count = (state: RuleState) => states.filter((one) => one === state).length;
  return {
    total: states.length,
    firing: count('firing'),
    pending: count('pending'),
    failing: count('failing'),
    unevaluated: count('not evaluated yet'),
  };
}

/** Whether no text of the group was ever good, so that none of its rules is evaluated. */
export const neverLoaded = (group: RuleGroup) =>
  group.rules.length > 0 &&
  group.rules.every((rule) => rule.lastError && group.loadErrors?.includes(rule.lastError));

/** What is not said at one of the groups: files that cannot be read, groups that are too slow. */
export function otherWarnings(groups: RuleGroup[], warnings: string[]): string[] {
  const said = new Set(groups.flatMap((group) => group.loadErrors ?? []));
  return warnings.filter((warning) => !said.has(warning));
}

const URGENCY: RuleState[] = [
  'firing',
  'failing',
  'pending',
  'not evaluated yet',
  'inactive',
  'recording',
];

/** Groups whose rules match; the most urgent rule of a group first. */
export function filterRules(groups: RuleGroup[], text: string, state?: RuleState): RuleGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (group: RuleGroup, rule: Rule) => {
    const all = [group.file, group.name, rule.name, rule.query, ...Object.values(rule.labels ?? {})]
      .join(' ')
      .toLowerCase();
    return words.every((word) => all.includes(word)) && (!state || ruleState(rule) === state);
  };
  const urgency = (rule: Rule) => URGENCY.indexOf(ruleState(rule));
  return groups
    .map((group) => ({
      ...group,
      rules: group.rules
        .filter((rule) => matches(group, rule))
        .sort((a, b) => urgency(a) - urgency(b)),
    }))
    .filter((group) => group.rules.length > 0);
}
