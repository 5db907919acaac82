import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fieldsOf } from '../../core/text/json-text.js';
import { packagePath } from '../process/package-path.js';

/** Hashes of this program's files. */
export interface PackageIdentity {
  /** `find dist -name '*.js' -o -name '*.cjs' | LC_ALL=C sort | xargs sha256sum | sha256sum`. */
  readonly packageSha256: string;
  /** A checkout's package-lock.json, else npm's installation record. null = neither. */
  readonly lockfileSha256: string | null;
  /** Versions as built in or installed. */
  readonly dependencies: Readonly<Record<string, string>>;
}

const root = packagePath();
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A dependency is in one's `node_modules`. */
function ancestors(): readonly string[] {
  const folders = [root];
  for (let folder = root; dirname(folder) !== folder; folder = dirname(folder)) folders.push(dirname(folder));
  return folders;
}

async function firstOf(names: readonly string[]): Promise<Buffer | null> {
  for (const name of names) {
    const bytes = await readFile(name).catch(() => null);
    if (bytes !== null) return bytes;
  }
  return null;
}

async function versionOf(name: string): Promise<string | null> {
  const file = await firstOf(ancestors().map((folder) => join(folder, 'node_modules', name, 'package.json')));
  const version = file === null ? null : fieldsOf(JSON.parse(file.toString('utf8')))?.['version'];
  return typeof version === 'string' ? version : null;
}

/** Reading a hundred small files synchronously takes a third of the time. */
function programs(): readonly string[] {
  try {
    return ['', 'chunks']
      .flatMap((folder) =>
        readdirSync(join(root, 'dist', folder))
          .filter((name) => /\.c?js$/.test(name))
          .map((name) => join('dist', folder, name)),
      )
      .sort();
  } catch {
    return [];
  }
}

/** Reads and hashes the program's own files. */
export async function readPackage(): Promise<PackageIdentity> {
  const about = fieldsOf(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const names = ['dependencies', 'optionalDependencies'].flatMap((kind) => Object.keys(fieldsOf(about?.[kind]) ?? {}));
  const lines = programs().map((path) => `${sha256(readFileSync(join(root, path)))}  ${path}\n`);
  const lockfile = await firstOf([
    join(root, 'package-lock.json'),
    ...ancestors().map((folder) => join(folder, 'node_modules', '.package-lock.json')),
  ]);
  const bundled = Object.entries(
    fieldsOf(JSON.parse(await readFile(join(root, 'dist', 'bundled.json'), 'utf8').catch(() => '{}'))) ?? {},
  );
  const installed = await Promise.all(
    names
      .filter((name) => !bundled.some(([each]) => each === name))
      .map(async (name) => [name, await versionOf(name)] as const),
  );
  const versions = [...bundled, ...installed].flatMap(([name, version]) =>
    typeof version === 'string' ? [[name, version] as const] : [],
  );
  return {
    packageSha256: sha256(lines.join('')),
    lockfileSha256: lockfile === null ? null : sha256(lockfile),
    dependencies: Object.fromEntries(versions.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
