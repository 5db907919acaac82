import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const module = new URL('../../../build/run/calibrate.js', import.meta.url).href;
const outDir = mkdtempSync(join(tmpdir(), 'calibrate-'));
afterAll(() => rmSync(outDir, { recursive: true }));
const script = `import('${module}').then(({ calibrate }) => calibrate('libpcap', '${outDir}')).then((record) => console.log(JSON.stringify(record)), ({ code, exitCode, message }) => console.log(code, exitCode, message));`;

describe('calibration', () => {
  it('refuses, before anything is sent, where no lab can be built to plant a leak in', () => {
    const { stdout, stderr } = spawnSync(
      'unshare',
      [
        '--user',
        '--map-root-user',
        'sh',
        '-c',
        'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"',
        'sh',
        process.execPath,
        '-e',
        script,
      ],
      { encoding: 'utf8' },
    );
    expect([stdout, stderr]).toEqual([
      expect.stringMatching(/^calibration-failed 69 no leak can be planted here: /),
      '',
    ]);
    expect(readdirSync(outDir)).toEqual([]);
  });
});
