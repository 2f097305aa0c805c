// SPDX-License-Identifier: Apache-2.0
// Every installed package with its licence, as the lock file and its own files give it.
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** Packages whose manifest has no licence field; read from the LICENSE or README they ship. */
const READ_BY_HAND = {
  'fast-shallow-equal': 'Unlicense',
  'get-document': 'MIT',
  'react-universal-interface': 'Unlicense',
};

function licenceFile(dir) {
  const file = fs.readdirSync(dir).find((name) => /^(licen[cs]e|copying)/i.test(name));
  const full = file && path.join(dir, file);
  return full && fs.statSync(full).isFile() ? fs.readFileSync(full, 'utf8') : '';
}

function licenceName(name, manifest) {
  const { license, licenses } = manifest;
  if (typeof license === 'string') {
    return license;
  }
  if (license?.type) {
    return license.type;
  }
  return licenses?.map((one) => one.type).join(' OR ') || READ_BY_HAND[name] || 'UNKNOWN';
}

export function packages() {
  const lock = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([where]) => where && fs.existsSync(path.join(root, where, 'package.json')))
    .map(([where, { dev, optional }]) => {
      const dir = path.join(root, where);
      const manifest = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'));
      const { name, version } = manifest;
      return {
        where,
        name,
        version,
        dev: Boolean(dev || optional),
        licence: licenceName(name, manifest),
        text: licenceFile(dir),
      };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}
