// `npm run package [-- FOLDER] [--sign KEY] [--arch x64,arm64]`: what a hypervisor installs without npm, compiler or
// network. Makes below FOLDER (build/), for each architecture, a tarball that holds everything but libpcap and iproute2,
// a Debian package of the same and a bill of materials (CycloneDX), then SHA256SUMS and, with a key, its signature. The
// same commit and dpkg give the same bytes. `--fast` compresses less, for tests: a runtime of 100 MB takes ten seconds
// otherwise. RELEASING.md has the whole way.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { billOfMaterials, sha256 } = await import('./package/bill.mjs');
const { debianArchitecture, fillDebianTree } = await import('./package/debian.mjs');
const { run } = await import('./package/fetched.mjs');
const { fillProgram, name, version } = await import('./package/program.mjs');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fast: { type: 'boolean' }, sign: { type: 'string' }, arch: { type: 'string', default: 'x64,arm64' } },
});
const out = resolve(positionals[0] ?? 'build/packages');
const level = values.fast ? 1 : 6;
const date = sourceDate();

/** When what is packed was committed, in seconds: the time of every file in it. */
function sourceDate() {
  if (process.env.SOURCE_DATE_EPOCH !== undefined) return Number(process.env.SOURCE_DATE_EPOCH);
  try {
    return Number(run(['git', 'log', '-1', '--format=%ct']));
  } catch {
    return 0;
  }
}

function packTarball(work, whole) {
  const times = ['--sort=name', `--mtime=@${date}`, '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rwX,go=rX'];
  const file = join(out, `${whole}.tar.gz`);
  run(['tar', '--create', '--gzip', '--file', file, '--directory', work, ...times, whole], {
    env: { ...process.env, GZIP: `-n${level}` },
  });
}

function packDebian(root, architecture) {
  run(['chmod', '-R', 'u+rwX,go=rX', root]);
  const file = join(out, `${name}_${version}_${architecture}.deb`);
  run(['dpkg-deb', '--root-owner-group', '-Zgzip', `-z${values.fast ? 0 : level}`, '--build', root, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date) },
  });
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const arch of values.arch.split(',')) {
  const architecture = debianArchitecture[arch];
  if (architecture === undefined)
    throw new Error(`--arch ${arch}: one of ${Object.keys(debianArchitecture).join(', ')}`);
  const work = mkdtempSync(join(tmpdir(), `${name}-package-`));
  try {
    const whole = `${name}-${version}-linux-${arch}`;
    console.log(`packing ${whole} …`);
    fillProgram(join(work, whole), arch);
    packTarball(work, whole);
    fillDebianTree(join(work, 'deb'), join(work, whole), arch);
    packDebian(join(work, 'deb'), architecture);
    writeFileSync(join(out, `${whole}.cdx.json`), billOfMaterials(join(work, whole), date));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
const sums = join(out, 'SHA256SUMS');
writeFileSync(
  sums,
  readdirSync(out)
    .sort()
    .map((file) => `${sha256(join(out, file))}  ${file}\n`)
    .join(''),
);
if (values.sign !== undefined) run(['ssh-keygen', '-Y', 'sign', '-f', values.sign, '-n', name, sums]);
console.log(readFileSync(sums, 'utf8').trim());
