// `npm run test:kernel [-- ARGUMENTS OF VITEST]`: tests under a second kernel, without arguments those with the tag
// `kernel`: under User-mode Linux where it boots, else under Debian's cloud kernel in QEMU. Exit 69 where neither boots,
// and why on stderr.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const unavailable = 69;
const runs = ['test-uml.mjs', 'test-cloud.mjs'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
process.exitCode = unavailable;
for (const script of runs) {
  const { status } = spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 70;
  if (status !== unavailable) break;
}
