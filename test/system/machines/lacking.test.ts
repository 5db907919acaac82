// @module-tag all
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs, program, root } from '../../support/needs.js';
import { testsOnMachine } from '../../support/tests-on-machine.js';

const top = resolve(import.meta.dirname, '../../..');
const noTable = "The kernel doesn't support the ebtables 'nat' table.";
/** The program is installed, and the kernel is built without its tables. */
const refusing = `mkdir $S/bin
cat >$S/bin/ebtables-legacy <<'END'
#!/bin/sh
echo "${noTable}" >&2
exit 255
END
chmod 755 $S/bin/ebtables-legacy
PATH=$S/bin:$PATH:/usr/sbin:/sbin; export PATH`;
/** Nobody but root may enter the folder above the checkout. */
const closed = `mkdir -m 700 $S/closed
mkdir $S/closed/checkout
mount --bind ${top} $S/closed/checkout
cd $S/closed/checkout`;
const withoutModules = '[ ! -e /lib/modules ] || mount -t tmpfs none /lib/modules';
const isLoaded = existsSync('/sys/module/openvswitch') ? 'openvswitch is loaded already' : null;

/** The files of the lab whose tests need something, by its name in test/support/needs.ts. */
function needing(name: string): readonly string[] {
  const imported = new RegExp(`^import .*\\b${name}\\b.* from '[./]*/support/needs.js'`, 'm');
  return readdirSync(join(top, 'test/lab'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts') && imported.test(readFileSync(join(top, 'test/lab', path), 'utf8')))
    .map((path) => `test/lab/${path}`);
}

/** The reasons of the tests that were skipped, without those that the words left out; throws where one failed. */
function reasonsOn(changes: string, ...words: readonly string[]): readonly string[] {
  const { status, failures, tests } = testsOnMachine(changes, words);
  expect({ status, failures }).toEqual({ status: 0, failures: [] });
  return tests.flatMap(({ status: end, why }) => (end === 'skipped' && why !== null ? [why] : []));
}

describe('a test that this machine cannot run is skipped with its reason', needs(root, program('unshare')), () => {
  it('if ebtables-legacy is installed and the kernel lacks its table', () => {
    const snapshots = 'test/lab/state/bypass-snapshots.test.ts';
    const reasons = reasonsOn(refusing, snapshots, '--testNamePattern=rules of ebtables-legacy');
    expect(reasons).toContainEqual(
      expect.stringContaining(`this kernel lacks ebtables-legacy's table nat (${noTable})`),
    );
  });

  it('if /lib/modules is empty', needs(program('ovs-vswitchd'), isLoaded), () => {
    const reasons = reasonsOn(withoutModules, 'test/system/ovs/datapath.test.ts');
    expect(reasons).toEqual([
      expect.stringMatching(/^this kernel lacks Open vSwitch's datapath \(.*(modprobe|not found)/),
    ]);
  });

  it('if the checkout is below a folder of mode 0700', () => {
    const files = needing('readable');
    expect(files.length).toBeGreaterThan(2);
    expect(reasonsOn(closed, ...files)).toContain('the checkout is below a folder that others may not enter');
  });
});
