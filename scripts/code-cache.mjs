// Makes DIR/code-VERSION-ARCH.bin: what V8 compiled of each bundle in DIR/chunks while some commands ran.
// src/load-code.ts reads it. It is no part of a package, nor of its hash in run.json: no two caches are the same bytes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const recorder = fileURLToPath(new URL('record-code.cjs', import.meta.url));

/**
 * Runs the commands, each process of which leaves what V8 made of its bundles when it ends; gives the largest for each
 * bundle, by its name.
 */
function record(scratch, commands) {
  const parts = join(scratch, 'parts');
  mkdirSync(parts);
  const env = { ...process.env, NODE_OPTIONS: `--require=${recorder}`, CODE_PARTS: parts };
  for (const words of commands) spawnSync(process.execPath, words, { env, stdio: 'ignore' });
  const largest = new Map();
  for (const part of readdirSync(parts).sort()) {
    const name = part.slice(part.indexOf('_') + 1);
    const code = readFileSync(join(parts, part));
    if (code.length > (largest.get(name)?.length ?? 0)) largest.set(name, code);
  }
  return largest;
}

/**
 * Needs the bundles and load-code.cjs in `dir`. `recorded` gives the commands, words of node's command line, for a
 * scratch folder.
 */
export function makeCodeCache(dir, recorded) {
  const scratch = mkdtempSync(join(tmpdir(), 'code-cache-'));
  try {
    const index = {};
    const codes = [];
    let at = 0;
    for (const [name, code] of record(scratch, recorded(scratch))) {
      index[name] = [at, code.length];
      codes.push(code);
      at += code.length;
    }
    const head = Buffer.from(JSON.stringify(index), 'latin1');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(head.length);
    const { cacheName } = createRequire(import.meta.url)(resolve(dir, 'load-code.cjs'));
    writeFileSync(join(dir, cacheName()), Buffer.concat([length, head, ...codes]));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
