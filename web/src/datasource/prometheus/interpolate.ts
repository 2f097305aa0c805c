// SPDX-License-Identifier: Apache-2.0

/** The part of a variable that decides how its value is written into a query. */
export interface QueryVariable {
  multi?: boolean;
  includeAll?: boolean;
}

/** Escaped twice: once for the regular expression, once for the PromQL string around it. */
export const escapeRegex = (value: string) =>
  value.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');

/** A variable's value in an expression: (a|b) for several, escaped where it may be several. */
export function interpolateValue(value: unknown, variable?: QueryVariable): string {
  if (Array.isArray(value)) {
    const parts = value.map((x) => escapeRegex(String(x)));
    return parts.length === 1 ? parts[0] : `(${parts.join('|')})`;
  }
  const text = String(value ?? '');
  return variable?.multi || variable?.includeAll ? escapeRegex(text) : text;
}
