// SPDX-License-Identifier: Apache-2.0
// Fails when a package carries a licence that we cannot ship under, or none that we know.
import { packages } from './packages.mjs';

const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'OFL-1.1',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);
/** Only run while building and testing, never shipped. */
const ALLOWED_DEV = new Set(['CC-BY-4.0', 'MPL-2.0']);

/** One alternative of an OR is enough; every part of an AND must do. */
const fits = (expression, dev) =>
  expression
    .replace(/[()]/g, '')
    .split(/\s+OR\s+/i)
    .some((choice) =>
      choice.split(/\s+AND\s+/i).every((one) => ALLOWED.has(one) || (dev && ALLOWED_DEV.has(one)))
    );

const all = packages();
const bad = all.filter(({ licence, dev }) => !fits(licence, dev));
for (const { name, version, licence } of bad) {
  console.error(`${name} ${version}: licence ${licence} is not on the list`);
}
console.log(`${all.length} packages, ${bad.length} with a licence that is not allowed`);
process.exitCode = bad.length ? 1 : 0;
