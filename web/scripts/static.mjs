// SPDX-License-Identifier: Apache-2.0
// Gathers the files that lie beside the bundle: icons, fonts, our own mark.
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const modules = path.join(root, 'node_modules');
export const STATIC_DIR = path.join(modules, '.hearth-static');

/** Icons that @grafana/ui names and does not ship; drawn from @mdi/svg. */
export const FILL = {
  anchor: 'anchor',
  'angle-double-left': 'chevron-double-left',
  'angle-double-up': 'chevron-double-up',
  'archive-alt': 'archive',
  'arrows-v': 'arrow-up-down',
  attach: 'paperclip',
  'check-square': 'checkbox-marked',
  'circle-mono': 'circle',
  'compress-alt': 'arrow-collapse',
  'compress-arrows': 'arrow-collapse',
  'create-dashboard': 'view-dashboard-edit',
  crosshair: 'crosshairs',
  enter: 'keyboard-return',
  exclamation: 'exclamation',
  'expand-alt': 'arrow-expand',
  'expand-arrows': 'arrow-expand-all',
  'expand-arrows-alt': 'arrow-expand',
  'file-download': 'file-download',
  'file-edit-alt': 'file-edit',
  'file-export': 'file-export',
  flask: 'flask',
  font: 'format-font',
  'gf-pin': 'pin',
  globe: 'earth',
  'hand-pointer': 'cursor-pointer',
  home: 'home',
  'horizontal-align-center': 'format-horizontal-align-center',
  'horizontal-align-left': 'format-horizontal-align-left',
  'horizontal-align-right': 'format-horizontal-align-right',
  layers: 'layers',
  'legend-hide': 'eye-off',
  'legend-show': 'eye',
  'lightbulb-alt': 'lightbulb',
  'link-broken': 'link-off',
  'list-ol': 'format-list-numbered',
  'map-marker': 'map-marker',
  paragraph: 'format-paragraph',
  'pause-circle': 'pause-circle',
  'ruler-combined': 'ruler-square',
  spinner: 'loading',
  'stopwatch-slash': 'timer-off',
  'sync-slash': 'sync-off',
  'table-collapse-all': 'unfold-less-horizontal',
  'table-expand-all': 'unfold-more-horizontal',
  'text-fields': 'format-text',
  'thumbs-down': 'thumb-down',
  'thumbs-up': 'thumb-up',
  'toggle-off': 'toggle-switch-off',
  'toggle-on': 'toggle-switch',
  unarchive: 'archive-arrow-up',
  'user-arrows': 'account-switch',
  'vertical-align-bottom': 'format-vertical-align-bottom',
  'vertical-align-center': 'format-vertical-align-center',
  'vertical-align-top': 'format-vertical-align-top',
  window: 'window-maximize',
  wrench: 'wrench',
};

const FONTS = {
  'inter/Inter-Regular.woff2': 'inter/files/inter-latin-400-normal.woff2',
  'inter/Inter-Medium.woff2': 'inter/files/inter-latin-500-normal.woff2',
  'inter/Inter-Italic.woff2': 'inter/files/inter-latin-400-italic.woff2',
  'inter/Inter-MediumItalic.woff2': 'inter/files/inter-latin-500-italic.woff2',
  'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2':
    'roboto-mono/files/roboto-mono-latin-400-normal.woff2',
};

/** Another project's mark, which is not ours to show. */
const LEFT_OUT = ['mono/grafana.svg'];

export function writeStatic() {
  const icons = path.join(STATIC_DIR, 'build/img/icons');
  fs.rmSync(STATIC_DIR, { recursive: true, force: true });
  fs.cpSync(path.join(modules, '@grafana/ui/dist/public'), path.join(STATIC_DIR, 'build'), {
    recursive: true,
  });
  for (const name of LEFT_OUT) {
    fs.rmSync(path.join(icons, name), { force: true });
  }
  for (const [name, from] of Object.entries(FILL)) {
    const to = path.join(icons, 'unicons', `${name}.svg`);
    if (!fs.existsSync(to)) {
      fs.copyFileSync(path.join(modules, '@mdi/svg/svg', `${from}.svg`), to);
    }
  }
  for (const [name, from] of Object.entries(FONTS)) {
    const to = path.join(STATIC_DIR, 'fonts', name);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(path.join(modules, '@fontsource', from), to);
  }
  fs.cpSync(path.join(root, 'static'), STATIC_DIR, { recursive: true });
}
