import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What this program's own files are, by their hashes. */
export interface PackageIdentity {
  /** SHA-256 of the list of the program's files, `sha256  path` a line, sorted by path: `find dist -name '*.js' | LC_ALL=C sort | xargs sha256sum | sha256sum`. */
  readonly packageSha256: string;
  /** Of package-lock.json in a checkout, else of npm's own record of what it installed; null = neither is there. */
  readonly lockfileSha256: string | null;
  readonly dependencies: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const sha256 = (octets: Uint8Array | string): string => createHash('sha256').update(octets).digest('hex');

/** Folders from the package's own up to the root: a dependency lies in the `node_modules` of one of them. */
function ancestors(): readonly string[] {
  const folders = [root];
  for (let folder = root; dirname(folder) !== folder; folder = dirname(folder)) folders.push(dirname(folder));
  return folders;
}

async function firstOf(names: readonly string[]): Promise<Buffer | null> {
  for (const name of names) {
    const octets = await readFile(name).catch(() => null);
    if (octets !== null) return octets;
  }
  return null;
}

function fieldOf(text: string, name: string): unknown {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : undefined;
}

async function versionOf(name: string): Promise<string | null> {
  const found = await firstOf(ancestors().map((folder) => join(folder, 'node_modules', name, 'package.json')));
  const version = found === null ? null : fieldOf(found.toString('utf8'), 'version');
  return typeof version === 'string' ? version : null;
}

/** Reads and hashes the program's own files. */
export async function readPackage(): Promise<PackageIdentity> {
  const about = await readFile(join(root, 'package.json'), 'utf8');
  const names = ['dependencies', 'optionalDependencies'].flatMap((kind) => Object.keys(fieldOf(about, kind) ?? {}));
  const programs = (await readdir(join(root, 'dist'), { recursive: true }).catch(() => [])).filter((path) => path.endsWith('.js')).map((path) => join('dist', path)).sort();
  const lines = await Promise.all(programs.map(async (path) => `${sha256(await readFile(join(root, path)))}  ${path}\n`));
  const lockfile = await firstOf([join(root, 'package-lock.json'), ...ancestors().map((folder) => join(folder, 'node_modules', '.package-lock.json'))]);
  const versions = await Promise.all(names.map(async (name) => [name, await versionOf(name)] as const));
  return {
    packageSha256: sha256(lines.join('')),
    lockfileSha256: lockfile === null ? null : sha256(lockfile),
    dependencies: Object.fromEntries(versions.flatMap(([name, version]) => (version === null ? [] : [[name, version]]))),
  };
}
