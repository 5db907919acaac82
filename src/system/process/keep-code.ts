import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** Bundles' names end with a hash. Builds overwrite entries, which are not kept. */
const bundle = /-[\w-]{8}\.cjs$/;

/**
 * Keeps V8's code of bundles at exit (Node before 22.1). V8 refuses another version, flags or text length
 * (SerializedCodeData::SanityCheck), but runs damaged data: hence the checksums. Bundles have no import(), for which
 * kept code has no callback.
 */
export function keepCode(folder: string): void {
  const dir = join(folder, `${process.version}-${process.arch}`);
  const missing = new Map<string, Script>();
  createRequire(import.meta.url).extensions['.cjs'] = (module, filename) => {
    const text = readFileSync(filename, 'utf8');
    const file = join(dir, `${basename(filename)}.${crc32(text)}`);
    const cachedData = bundle.test(filename) ? readKept(file) : undefined;
    const script = new Script(Module.wrap(text), {
      filename,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    if (bundle.test(filename) && script.cachedDataRejected !== false) missing.set(file, script);
    const run: (...names: readonly unknown[]) => void = script.runInThisContext();
    run.call(module.exports, module.exports, createRequire(filename), module, filename, dirname(filename));
  };
  process.on('exit', () => writeKept(dir, missing));
}

function readKept(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    const data = bytes.subarray(0, -4);
    return crc32(data) === bytes.readUInt32LE(data.length) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Renamed when complete: other processes read and write there. */
function writeKept(dir: string, scripts: ReadonlyMap<string, Script>): void {
  if (scripts.size === 0) return;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const [file, script] of scripts) {
      const partial = `${file}.${process.hrtime.bigint()}`;
      const data = script.createCachedData();
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32LE(crc32(data));
      writeFileSync(partial, Buffer.concat([data, checksum]), { flag: 'wx', mode: 0o600 });
      renameSync(partial, file);
    }
    removeOld(dir);
  } catch {
    // a full or read-only disk: the next start compiles again
  }
}

function removeOld(dir: string): void {
  for (const name of readdirSync(dir)) {
    const file = join(dir, name);
    const maxMs = /\.cjs\.\d+\.\d+$/.test(name) ? 60_000 : 30 * 86_400_000;
    if (Date.now() - statSync(file).mtimeMs > maxMs) rmSync(file, { force: true });
  }
}
