// `npm run test:vm`: the experiment on real virtual machines. Installs QEMU and downloads the guests' kernel, once.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { prepareImage } from './vm/image.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { skip, ...image } = prepareImage();
if (skip) {
  console.error(`test:vm: ${skip}`);
  process.exit(69);
}
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/system/vm/'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
    VERIFY_ISOLATION_GUESTS: JSON.stringify(image),
  },
});
process.exit(status ?? 70);
