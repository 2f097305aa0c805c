// SPDX-License-Identifier: Apache-2.0
import './globals';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { boot } from './host/boot';
import { browserTheme, chosenTheme } from './lib/preferences';
import { panelPlugin } from './panels/registry';

await boot(chosenTheme() ?? browserTheme(), panelPlugin);
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(<App />);
}
