// Makes dist/code-VERSION-ARCH.bin: what V8 compiled of each bundle while some commands ran. src/load-code.ts reads it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createRequire } from 'node:module';

const program = resolve('dist/cli.cjs');

/** What most people run; a lab is not to be had everywhere, then its part is compiled at each start. */
function commands(scratch) {
  const example = 'scenarios/switch-mode.yml';
  return [
    ['--help'], ['plan', example], ['replay', 'captures/switch-mode'], ['run', '--help'],
    ['run', example, '--quiet', '--out', join(scratch, 'run')], ['replay', join(scratch, 'run')],
  ];
}

/** Runs the commands, each process of which leaves what V8 made of its bundles when it ends; gives the largest for each bundle, by its name. */
function record(scratch) {
  const parts = join(scratch, 'parts');
  mkdirSync(parts);
  const env = { ...process.env, NODE_OPTIONS: `--require=${resolve('scripts/record-code.cjs')}`, CODE_PARTS: parts };
  for (const command of commands(scratch)) spawnSync(process.execPath, [program, ...command], { env, stdio: 'ignore' });
  const largest = new Map();
  for (const part of readdirSync(parts).sort()) {
    const name = part.slice(part.indexOf('_') + 1);
    const code = readFileSync(join(parts, part));
    if (code.length > (largest.get(name)?.length ?? 0)) largest.set(name, code);
  }
  return largest;
}

/** Needs the bundles in dist. */
export function makeCodeCache() {
  const scratch = mkdtempSync(join(tmpdir(), 'code-cache-'));
  try {
    const index = {};
    const codes = [];
    let at = 0;
    for (const [name, code] of record(scratch)) {
      index[name] = [at, code.length];
      codes.push(code);
      at += code.length;
    }
    const head = Buffer.from(JSON.stringify(index), 'latin1');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(head.length);
    writeFileSync(join('dist', createRequire(import.meta.url)('../dist/load-code.cjs').cacheName()), Buffer.concat([length, head, ...codes]));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
