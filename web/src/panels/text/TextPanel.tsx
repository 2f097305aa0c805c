// SPDX-License-Identifier: Apache-2.0
import { css, cx } from '@emotion/css';
import { renderTextPanelMarkdown, textUtil, type PanelProps } from '@grafana/data';
import { useMemo } from 'react';

export interface TextOptions {
  mode: 'markdown' | 'html' | 'code';
  content: string;
}

export const TEXT_DEFAULTS: TextOptions = { mode: 'markdown', content: '' };

/** The grid keeps a panel's height on a phone, where its text needs more lines. */
const NARROW_PX = 450;
const box = css({
  height: '100%',
  overflow: 'auto',
  '> :last-child, > :last-child > :last-child': { marginBottom: 0 },
});
const small = css({ fontSize: 12, lineHeight: 1.35 });

export function TextPanel({ options, replaceVariables, width }: PanelProps<TextOptions>) {
  const { mode, content } = options;
  const text = replaceVariables(content, {}, mode === 'html' ? 'html' : 'text');
  // Both ways are sanitised: dashboards come from elsewhere.
  const html = useMemo(
    () =>
      mode === 'html' ? textUtil.sanitizeTextPanelContent(text) : renderTextPanelMarkdown(text),
    [mode, text]
  );
  if (mode === 'code') {
    return <pre className={box}>{text}</pre>;
  }
  return (
    <div
      className={cx('markdown-html', box, width < NARROW_PX && small)}
      dangerouslySetInnerHTML={{ __html: html }}
    />
  );
}
