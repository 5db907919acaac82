import { openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** A bundle as its function, called as Node calls a module in CommonJS. */
type Body = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  file: string,
  folder: string,
) => void;

/** Where in the cache the code of each bundle stands, by file name: its first octet and how many there are. */
type Index = Readonly<Record<string, readonly [at: number, length: number]>>;

const here = dirname(fileURLToPath(import.meta.url));
const requirePackage = createRequire(import.meta.url);
const loaded = new Map<string, { exports: object }>();
const cache = openCache();

/** Name of the cache in dist: code is what one version of V8 makes of a text for one kind of processor. */
export function cacheName(): string {
  return `code-${process.versions.v8}-${process.arch}.bin`;
}

/**
 * The index's length in four octets, the index, the code. Null = none was made for this version of V8: everything is
 * compiled.
 */
function openCache(): { readonly fd: number; readonly start: number; readonly index: Index } | null {
  try {
    const fd = openSync(join(here, cacheName()), 'r');
    const start = 4 + read(fd, 0, 4).readUInt32LE();
    const index: Index = JSON.parse(read(fd, 4, start - 4).toString('latin1'));
    return { fd, start, index };
  } catch {
    return null;
  }
}

function read(fd: number, at: number, length: number): Buffer {
  const octets = Buffer.allocUnsafeSlow(length);
  readSync(fd, octets, 0, length, at);
  return octets;
}

/** What V8 made of the bundle when the package was built. */
function codeOf(name: string): Buffer | undefined {
  const place = cache?.index[name];
  return cache === null || place === undefined ? undefined : read(cache.fd, cache.start + place[0], place[1]);
}

/**
 * Runs a bundle of dist/chunks at the first call and gives what it exports. A small command would be compiled for
 * longer than it runs, so its code comes from the cache that the build has made, where it was made for this version of
 * V8. Names of bundles tell their text by a hash, so that code and text belong together.
 */
export function loadCode(name: string): object {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = join(here, 'chunks', name);
  const cachedData = codeOf(name);
  // In the first line, so that lines keep their numbers.
  const text = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(filename, 'utf8')}\n})`;
  const body: Body = new Script(
    text,
    cachedData === undefined ? { filename } : { filename, cachedData },
  ).runInThisContext();
  const module = { exports: {} };
  loaded.set(name, module);
  body(
    module.exports,
    (wanted) => (wanted.startsWith('./') ? loadCode(wanted.slice(2)) : requirePackage(wanted)),
    module,
    filename,
    dirname(filename),
  );
  return module.exports;
}
