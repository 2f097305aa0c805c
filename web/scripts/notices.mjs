// SPDX-License-Identifier: Apache-2.0
// After vite: dist/NOTICE.txt, the licences of the packages that ended up in the bundle.
import fs from 'node:fs';
import path from 'node:path';
import { packages } from './packages.mjs';

const dist = path.resolve(import.meta.dirname, '../dist');
/** Taken as files by static.mjs, so that the bundler does not see them. */
const FILES_OF = ['@grafana/ui', '@fontsource/inter', '@fontsource/roboto-mono', '@mdi/svg'];

const listFile = path.join(dist, 'packages.json');
const shipped = new Set([
  ...JSON.parse(fs.readFileSync(listFile, 'utf8')),
  ...FILES_OF.map((name) => `node_modules/${name}`),
]);
fs.rmSync(listFile);
const parts = packages()
  .filter(({ where }) => shipped.has(where))
  .map(
    ({ name, version, licence, text }) => `## ${name} ${version} (${licence})\n\n${text.trim()}\n`
  );
fs.writeFileSync(
  path.join(dist, 'NOTICE.txt'),
  [
    'The web UI of hearth contains the following packages, under the licences after their names.\n',
    ...parts,
  ].join('\n')
);
console.log(`NOTICE.txt names ${parts.length} packages`);
