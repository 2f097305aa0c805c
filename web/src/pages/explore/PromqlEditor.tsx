// SPDX-License-Identifier: Apache-2.0
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec, type Extension } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import type { GrafanaTheme2 } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useEffect, useRef } from 'react';
import { proxyUrl } from '../../api/prometheus';

interface Props {
  value: string;
  source: string;
  label: string;
  onChange: (expr: string) => void;
  onRun: () => void;
}

function highlight(theme: GrafanaTheme2): Extension {
  const color = (name: string) => theme.visualization.getColorByName(name);
  const pick = (dark: string, light: string) => color(theme.isDark ? dark : light);
  return syntaxHighlighting(
    HighlightStyle.define([
      {
        tag: [tags.keyword, tags.modifier, tags.operatorKeyword],
        color: pick('light-purple', 'dark-purple'),
      },
      { tag: tags.function(tags.variableName), color: pick('light-blue', 'dark-blue') },
      { tag: tags.labelName, color: pick('light-green', 'dark-green') },
      { tag: tags.string, color: pick('light-orange', 'dark-orange') },
      { tag: tags.number, color: pick('light-yellow', 'dark-orange') },
      { tag: tags.comment, color: theme.colors.text.disabled },
    ])
  );
}

function look(theme: GrafanaTheme2): Extension {
  const { input } = theme.components;
  return EditorView.theme(
    {
      '&': {
        fontSize: '14px',
        background: input.background,
        border: `1px solid ${input.borderColor}`,
        borderRadius: theme.shape.radius.default,
      },
      '&.cm-focused': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: '1px' },
      '.cm-content': {
        padding: '7px 4px',
        fontFamily: theme.typography.fontFamilyMonospace,
        caretColor: theme.colors.text.maxContrast,
      },
      '.cm-scroller': { fontFamily: theme.typography.fontFamilyMonospace },
      '.cm-cursor': { borderLeftColor: theme.colors.text.maxContrast },
      '.cm-placeholder': { color: theme.colors.text.disabled },
      '&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection': {
        background: `${theme.colors.action.selected} !important`,
      },
      '.cm-matchingBracket': {
        background: `${theme.colors.action.focus} !important`,
        color: 'inherit !important',
      },
      '.cm-tooltip': {
        background: theme.colors.background.elevated,
        color: theme.colors.text.primary,
        border: `1px solid ${theme.colors.border.medium}`,
        borderRadius: theme.shape.radius.default,
        boxShadow: theme.shadows.z3,
      },
      '.cm-tooltip-autocomplete > ul': {
        fontFamily: theme.typography.fontFamilyMonospace,
        maxHeight: '320px',
      },
      '.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px !important' },
      '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
        background: `${theme.colors.action.selected} !important`,
        color: `${theme.colors.text.maxContrast} !important`,
      },
      '.cm-completionDetail': {
        color: theme.colors.text.secondary,
        fontStyle: 'normal',
        marginLeft: '1em',
      },
      '.cm-completionInfo': { maxWidth: '360px', padding: '6px 10px' },
      '.cm-completionMatchedText': {
        textDecoration: 'none',
        fontWeight: 'bold',
        color: theme.colors.primary.text,
      },
      '.cm-diagnostic': { padding: '4px 10px' },
    },
    { dark: theme.isDark }
  );
}

/** codemirror-promql asks the data source through our proxy; the session cookie goes along. */
const promql = (source: string): Extension =>
  new PromQLExtension()
    .setComplete({
      remote: { url: proxyUrl(source), httpMethod: 'GET', cache: { maxAge: 60_000 } },
    })
    .asExtension();

/** Enter runs, Shift-Enter is a new line, as in Prometheus' own editor. */
const runKeys = (run: () => void): Extension =>
  keymap.of([
    { key: 'Enter', run: () => (run(), true) },
    { key: 'Mod-Enter', run: () => (run(), true) },
    { key: 'Shift-Enter', run: (view) => (view.dispatch(view.state.replaceSelection('\n')), true) },
  ]);

export default function PromqlEditor({ value, source, label, onChange, onRun }: Props) {
  const theme = useTheme2();
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const language = useRef(new Compartment());
  const latest = useRef({ onChange, onRun });
  latest.current = { onChange, onRun };
  const first = useRef({ value, source, label });
  useEffect(() => {
    const start = first.current;
    const editor = new EditorView({
      parent: host.current ?? undefined,
      state: EditorState.create({
        doc: start.value,
        extensions: [
          language.current.of(promql(start.source)),
          highlight(theme),
          look(theme),
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          EditorView.lineWrapping,
          placeholder('Enter a PromQL query, run it with Enter'),
          EditorView.contentAttributes.of({ 'aria-label': start.label }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap]),
          Prec.low(runKeys(() => latest.current.onRun())),
          Prec.lowest(keymap.of([...historyKeymap, ...lintKeymap, ...defaultKeymap])),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              latest.current.onChange(update.state.doc.toString());
            }
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, [theme]);
  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(promql(source)) });
  }, [source]);
  useEffect(() => {
    const editor = view.current;
    first.current.value = value;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);
  return <div ref={host} data-testid="promql-editor" />;
}
