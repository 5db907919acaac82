import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The nearest folder above this module with a package.json: from src, from build and from the bundles of dist alike.
 */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

const root = packageFolder();

/** Absolute path of one of this package's own files, `dist/cli.cjs` say; without an argument, of its folder. */
export function packagePath(path = ''): string {
  return join(root, path);
}

/** Version of this program, from its package.json. */
export function toolVersion(): string {
  const about: { readonly version: string } = createRequire(import.meta.url)(packagePath('package.json'));
  return about.version;
}

/**
 * Folders of a PATH in which programs are looked for, without the current one: an empty or relative entry is that, or
 * one below it, which may be another user's (execvp(3)).
 */
export function absoluteFolders(path: string | undefined): string {
  const folders = (path ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return folders.length === 0 ? '/usr/bin:/bin' : folders.join(':');
}
