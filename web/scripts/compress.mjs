// SPDX-License-Identifier: Apache-2.0
// Writes FILE.br and FILE.gz beside every file of dist/ that gets smaller by it, so that the
// server compresses nothing at run time.
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

const dist = path.resolve(import.meta.dirname, '../dist');
const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);
/** Fonts and the like are compressed already. */
const COMPRESSIBLE = /\.(js|css|html|svg|json|txt)$/;
/** A saving under a tenth is not worth another variant in the binary. */
const WORTHWHILE = 0.9;
/** Each job holds a file and its answer in memory; zlib has four threads. */
const AT_ONCE = 4;

async function compress(file) {
  const raw = fs.readFileSync(file);
  const options = {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  };
  const [br, gz] = await Promise.all([brotli(raw, options), gzip(raw, { level: 9 })]);
  for (const [suffix, bytes] of Object.entries({ br, gz })) {
    if (bytes.length < raw.length * WORTHWHILE) {
      fs.writeFileSync(`${file}.${suffix}`, bytes);
    }
  }
  return br.length;
}

const files = fs
  .readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && COMPRESSIBLE.test(entry.name))
  .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
const left = [...files];
let total = 0;
const work = async () => {
  for (let file = left.pop(); file; file = left.pop()) {
    const size = await compress(file);
    total += size;
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(`${files.length} files, ${Math.round(total / 1024)} KiB as brotli`);
