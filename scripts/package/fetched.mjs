// Packages of the npm registry that a platform other than this one needs: Node itself, native parts.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Unpacks `name@version` into `folder`. The archive is fetched once and kept beside other caches; `integrity`
 * (Subresource Integrity, sha512) is checked each time. Throws where the archive is another or cannot be had.
 */
export function unpackFetched({ name, version, integrity }, folder) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'packages');
  mkdirSync(cache, { recursive: true });
  const archive = join(cache, `${name.replace('/', '+')}-${version}.tgz`);
  if (!isWhole(archive, integrity)) {
    const partial = mkdtempSync(join(cache, 'fetch-'));
    try {
      run(['npm', 'pack', `${name}@${version}`, '--silent', '--ignore-scripts', '--pack-destination', partial]);
      const [file = ''] = readdirSync(partial);
      if (!isWhole(join(partial, file), integrity))
        throw new Error(`${name}@${version} is not what this checkout expects (${integrity})`);
      renameSync(join(partial, file), archive);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  mkdirSync(folder, { recursive: true });
  run(['tar', '--extract', '--gzip', '--file', archive, '--directory', folder, '--strip-components=1']);
}

function isWhole(file, integrity) {
  try {
    return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}` === integrity;
  } catch {
    return false;
  }
}

/** What the command prints. Throws where it ends otherwise than with 0. */
export function run(argv, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status !== 0) throw new Error(`${argv.slice(0, 3).join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
