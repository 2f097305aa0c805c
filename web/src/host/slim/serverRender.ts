// SPDX-License-Identifier: Apache-2.0
// In place of react-dom/server: @grafana/ui only measures the text of a node with it.
import { isValidElement, type ReactNode } from 'react';

export function renderToStaticMarkup(node: ReactNode): string {
  if (node === null || node === undefined || typeof node === 'boolean') {
    return '';
  }
  if (Array.isArray(node)) {
    return node.map(renderToStaticMarkup).join('');
  }
  if (isValidElement<{ children?: ReactNode }>(node)) {
    return renderToStaticMarkup(node.props.children);
  }
  return typeof node === 'object' ? '' : String(node);
}

export const renderToString = renderToStaticMarkup;
export default { renderToString, renderToStaticMarkup };
