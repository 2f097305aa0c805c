// SPDX-License-Identifier: Apache-2.0
// The icons that nearly every page shows, in the bundle: they are there with the first paint
// instead of one request each. All others are fetched when they are first drawn.
import { cacheStore } from 'react-inlinesvg';
import icons from 'virtual:icons';

export function preloadIcons() {
  for (const [path, content] of Object.entries(icons)) {
    const url = `/public/build/img/icons/${path}`;
    cacheStore.set(url, { content, status: 'loaded' });
  }
}
