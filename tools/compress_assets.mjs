// SPDX-License-Identifier: Apache-2.0
// Writes FILE.br and FILE.gz beside every file of a folder that gets smaller by it, so that the
// server compresses nothing at run time. Usage: node compress_assets.mjs DIR
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = process.argv[2];
// Already compressed formats; trying costs time and gains nothing.
const compressed = /\.(br|gz|png|jpe?g|webp|woff2?|ico)$/;
// A saving under a tenth is not worth another variant in the binary.
const worthwhile = 0.9;

for (const name of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!name.isFile()) continue;
  const path = join(name.parentPath ?? name.path, name.name);
  if (/\.(br|gz)$/.test(path)) rmSync(path);
  if (compressed.test(path)) continue;
  const raw = readFileSync(path);
  const variants = {
    br: brotliCompressSync(raw, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
      },
    }),
    gz: gzipSync(raw, { level: 9 }),
  };
  for (const [suffix, bytes] of Object.entries(variants)) {
    if (bytes.length < raw.length * worthwhile) writeFileSync(`${path}.${suffix}`, bytes);
  }
}
