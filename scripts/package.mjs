// `npm run package [-- FOLDER]`: what a hypervisor installs without npm, compiler or network. Makes below FOLDER
// (build/) a tarball that holds everything but libpcap and iproute2, a Debian package of the same, a bill of materials
// (CycloneDX) and SHA256SUMS. The same commit, Node and dpkg give the same bytes. `--fast` compresses less, for tests:
// two times a runtime of 100 MB takes ten seconds otherwise.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { control, maintainerScripts } from './package/control.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const isFast = process.argv.includes('--fast');
const level = isFast ? 1 : 6;
const out = resolve(process.argv.slice(2).find((word) => word !== '--fast') ?? join(top, 'build'));
process.chdir(top);
const { name, version, description, license } = JSON.parse(readFileSync('package.json', 'utf8'));
/** Built from source on each machine, so it cannot be brought along; the program does without. */
const notBrought = ['cap', 'nan'];
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch];
if (architecture === undefined) throw new Error(`no package is made for ${process.arch}`);

function run(argv, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status !== 0) throw new Error(`${argv.slice(0, 3).join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** When what is packed was committed, in seconds: the time of every file in it. */
function sourceDate() {
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' });
  return Number(process.env.SOURCE_DATE_EPOCH ?? (status === 0 ? stdout : 0));
}

/** The program, the packages that it loads, and the runtime that runs it. */
function fill(folder) {
  for (const { path } of JSON.parse(run(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts']))[0].files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(path, join(folder, path));
  }
  // What the lockfile has for users, where this platform has it.
  for (const [path, entry] of Object.entries(JSON.parse(readFileSync('package-lock.json', 'utf8')).packages)) {
    if (
      path === '' ||
      entry.dev ||
      entry.devOptional ||
      !existsSync(path) ||
      notBrought.some((each) => path === `node_modules/${each}`)
    )
      continue;
    cpSync(path, join(folder, path), { recursive: true, dereference: true });
  }
  mkdirSync(join(folder, 'bin'));
  copyFileSync(process.execPath, join(folder, 'bin/node'));
  writeFileSync(join(folder, 'bin', name), launcher);
  for (const file of [`bin/${name}`, 'bin/node', 'dist/cli.cjs']) chmodSync(join(folder, file), 0o755);
}

const launcher = `#!/bin/sh
# Runs the program with the runtime that came with it, wherever both stand.
here=$(dirname "$(readlink -f "$0")")
# What hints tell people to type.
export VERIFY_ISOLATION_LAUNCHER="\${VERIFY_ISOLATION_LAUNCHER:-$0}"
exec "$here/node" "$here/../dist/cli.cjs" "$@"
`;

/** Components of the program in `folder` and its runtime. */
function billOfMaterials(folder) {
  const bill = JSON.parse(run(['npm', 'sbom', '--package-lock-only', '--sbom-format=cyclonedx']));
  const brought = new Set(packagesIn(folder));
  const isBrought = (each) => brought.has(`${each.group ? `${each.group}/` : ''}${each.name}@${each.version}`);
  const refs = new Set(bill.components.filter(isBrought).map((each) => each['bom-ref']));
  const runtime = {
    type: 'platform',
    name: 'node',
    version: process.versions.node,
    'bom-ref': `node@${process.versions.node}`,
    hashes: [{ alg: 'SHA-256', content: sha256(process.execPath) }],
  };
  bill.components = [...bill.components.filter(isBrought), runtime];
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => refs.has(ref) || ref === bill.metadata.component['bom-ref'])
    .map((each) => ({ ...each, dependsOn: each.dependsOn?.filter((ref) => refs.has(ref)) }));
  bill.metadata.timestamp = new Date(sourceDate() * 1000).toISOString();
  delete bill.serialNumber; // drawn at random
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** `name@version` of every npm package that was copied there. */
function packagesIn(folder) {
  return readdirSync(join(folder, 'node_modules'), { recursive: true })
    .filter((path) => /(^|node_modules\/)(@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
    .map((path) => JSON.parse(readFileSync(join(folder, 'node_modules', path), 'utf8')))
    .map((each) => `${each.name}@${each.version}`);
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Everything that a Debian package puts beside the program. */
function debianTree(root, program) {
  cpSync(program, join(root, 'usr/lib', name), { recursive: true });
  const put = (path, data) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
  };
  put(`usr/bin/${name}`, `#!/bin/sh\nVERIFY_ISOLATION_LAUNCHER=${name} exec /usr/lib/${name}/bin/${name} "$@"\n`);
  chmodSync(join(root, 'usr/bin', name), 0o755);
  put(
    `usr/share/bash-completion/completions/${name}`,
    run([process.execPath, 'dist/cli.cjs', 'completion'], { env: { ...process.env, SHELL: '/bin/bash' } }),
  );
  put(
    `usr/share/doc/${name}/copyright`,
    `${license}; the texts of what is brought along stand beside it in /usr/lib/${name}.\n`,
  );
  for (const unit of readdirSync('contrib/systemd').filter((file) => /\.(service|timer)$/.test(file)))
    put(
      `usr/lib/systemd/system/${unit}`,
      readFileSync(join('contrib/systemd', unit), 'utf8').replaceAll(`/usr/local/bin/${name}`, `/usr/bin/${name}`),
    );
  put(`usr/lib/sysusers.d/${name}.conf`, `u ${name} - "Helpers of ${name}"\n`);
  for (const [script, text] of Object.entries(maintainerScripts(name))) {
    put(`DEBIAN/${script}`, text);
    chmodSync(join(root, 'DEBIAN', script), 0o755);
  }
  for (const page of readdirSync('dist/man').filter((file) => /\.\d$/.test(file)))
    put(`usr/share/man/man${page.at(-1)}/${page}`, readFileSync(join('dist/man', page)));
  put(
    'DEBIAN/control',
    control({
      name,
      version,
      description,
      architecture,
      installedKib: Math.ceil(bytesBelow(join(root, 'usr')) / 1024),
    }),
  );
}

function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
}

const work = mkdtempSync(join(tmpdir(), `${name}-package-`));
try {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const whole = `${name}-${version}-linux-${process.arch}`;
  const date = sourceDate();
  console.log(`packing ${whole} …`);
  fill(join(work, whole));
  run(
    [
      'tar',
      '--create',
      '--gzip',
      '--file',
      join(out, `${whole}.tar.gz`),
      '--directory',
      work,
      '--sort=name',
      `--mtime=@${date}`,
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u+rwX,go=rX',
      whole,
    ],
    { env: { ...process.env, GZIP: `-n${level}` } },
  );
  console.log(`packing ${name}_${version}_${architecture}.deb …`);
  debianTree(join(work, 'deb'), join(work, whole));
  run(['chmod', '-R', 'u+rwX,go=rX', join(work, 'deb')]);
  run(
    [
      'dpkg-deb',
      '--root-owner-group',
      '-Zgzip',
      `-z${isFast ? 0 : level}`,
      '--build',
      join(work, 'deb'),
      join(out, `${name}_${version}_${architecture}.deb`),
    ],
    { env: { ...process.env, SOURCE_DATE_EPOCH: String(date) } },
  );
  writeFileSync(join(out, `${whole}.cdx.json`), billOfMaterials(join(work, whole)));
  writeFileSync(
    join(out, 'SHA256SUMS'),
    readdirSync(out)
      .sort()
      .map((file) => `${sha256(join(out, file))}  ${file}\n`)
      .join(''),
  );
  console.log(readFileSync(join(out, 'SHA256SUMS'), 'utf8').trim());
} finally {
  rmSync(work, { recursive: true, force: true });
}
