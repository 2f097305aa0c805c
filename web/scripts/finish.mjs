// SPDX-License-Identifier: Apache-2.0
// After vite: the notices of what is shipped, and a .br and a .gz beside every compressible file.
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { packages } from './packages.mjs';

const dist = path.resolve(import.meta.dirname, '../dist');
const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);
const COMPRESSIBLE = /\.(js|css|html|svg|json|txt|map)$/;
/** Smaller files gain nothing: the headers weigh more. */
const MIN_BYTES = 256;
const QUALITY = Number(process.env.HEARTH_WEB_QUALITY ?? 11);

/** Taken as files by static.mjs, so that the bundler does not see them. */
const FILES_OF = ['@grafana/ui', '@fontsource/inter', '@fontsource/roboto-mono', '@mdi/svg'];

function notices() {
  const listFile = path.join(dist, 'packages.json');
  const shipped = new Set([
    ...JSON.parse(fs.readFileSync(listFile, 'utf8')),
    ...FILES_OF.map((name) => `node_modules/${name}`),
  ]);
  fs.rmSync(listFile);
  const parts = packages()
    .filter(({ where }) => shipped.has(where))
    .map(({ name, version, licence, text }) => `## ${name} ${version} (${licence})\n\n${text.trim()}\n`);
  return [
    'The web UI of hearth contains the following packages, under the licences that follow their names.\n',
    ...parts,
  ].join('\n');
}

async function compress(file) {
  const raw = fs.readFileSync(file);
  const options = {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: QUALITY,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  };
  const [br, gz] = await Promise.all([brotli(raw, options), gzip(raw, { level: 9 })]);
  fs.writeFileSync(`${file}.br`, br);
  fs.writeFileSync(`${file}.gz`, gz);
  return [raw.length, gz.length, br.length];
}

fs.writeFileSync(path.join(dist, 'NOTICE.txt'), notices());
const files = fs
  .readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && COMPRESSIBLE.test(entry.name))
  .map((entry) => path.join(entry.parentPath, entry.name))
  .filter((file) => fs.statSync(file).size >= MIN_BYTES);
const sizes = await Promise.all(files.map(compress));
const total = sizes.reduce((sum, one) => sum.map((n, i) => n + one[i]), [0, 0, 0]);
const kib = (bytes) => `${Math.round(bytes / 1024)} KiB`;
console.log(`${files.length} files: ${kib(total[0])}, gzip ${kib(total[1])}, brotli ${kib(total[2])}`);
