import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareManagers } from '../../../scripts/managers.mjs';
import { ownEntry, setBridge, setPort, setEntry } from '../../../src/core/bridge/changes.js';
import { persistentFixes } from '../../../src/core/fix/persistent.js';
import type { Change } from '../../../src/core/model/fabric.js';
import type { PersistentFix } from '../../../src/core/model/fix.js';
import { word } from '../../../src/core/text/escape.js';
import { runThrowAway } from '../../support/lab/throw-away.js';
import { lacking } from '../../support/lab/features.js';
import { patient } from '../../support/patient.js';
import { file, managers as known, profiles } from '../../support/managers/network-manager.js';
import { needs } from '../../support/needs.js';

const managers = prepareManagers();
const folder = managers.folder ?? '';
const unfit = managers.skip ?? why();

/** Why its daemon cannot be started here; null = it can. */
function why(): string | null {
  if (process.getuid?.() !== 0) return 'that takes root';
  if (!existsSync('/usr/bin/dbus-daemon')) return 'there is no dbus-daemon';
  const { stdout } = spawnSync('ldd', [join(folder, 'usr/sbin/NetworkManager'), join(folder, 'usr/bin/nmcli')], {
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') },
  });
  const missing = /(\S+) => not found/.exec(stdout)?.[1];
  return missing === undefined ? null : `${missing} is not there`;
}

const hasVlans = lacking('VLAN filtering') === null;

function put(path: string, text: string, mode: number): string {
  return `printf '%s\\n' ${word(text)} > ${path}; chmod ${mode} ${path}`;
}

/**
 * The machine of the script has NetworkManager, and nothing else of it: /sys is read only, so that it does not wait for
 * udev.
 */
const machine = `
  mount -o remount,ro /sys; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib; mkdir -p /run/dbus /var/lib/NetworkManager /run/etc /run/upper /run/work
  mount -t overlay overlay -o lowerdir=${folder}/usr:/usr /usr; cp -r ${folder}/etc/NetworkManager /run/etc/
  mount -t overlay overlay -o lowerdir=/run/etc:/etc,upperdir=/run/upper,workdir=/run/work /etc
  ${put('/etc/NetworkManager/NetworkManager.conf', '[main]\nplugins=keyfile\ndns=none\nauth-polkit=false\nno-auto-default=*', 644)}
  ${put('/run/bus.conf', '<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>', 644)}
  ip link set lo up; ip link add eno1 type veth peer name inside; ip link set inside up
`;
const daemons = `
  dbus-daemon --config-file=/run/bus.conf --fork
  /usr/libexec/nm-dispatcher --persist > /run/dispatcher.log 2>&1 & NetworkManager -n --log-level=WARN > /run/nm.log 2>&1 &
`;
const until = (test: string): string => `for i in $(seq ${patient(100)}); do ${test} && break; sleep 0.1; done`;
const show =
  "ip -d link show dev br7 | tr '\\n' ' '; bridge -d link show dev eno1 | tr '\\n' ' '; bridge fdb show br br7; cat /run/nm.log /run/dispatcher.log >&2";

function formsOf(...fixes: readonly (readonly Change[])[]): readonly PersistentFix[] {
  return fixes.flatMap((fix) => persistentFixes(fix, known));
}

/** What an administrator does with a form. */
function doing({ where, form, apply }: PersistentFix): string {
  return where.startsWith('/etc/NetworkManager/dispatcher.d/')
    ? put(where, form, 755)
    : `${form}${apply.startsWith('nmcli') ? `; ${apply}` : ''}`;
}

describe('the profiles of NetworkManager', { tags: ['kernel'] }, () => {
  it('take what they have options for, its dispatcher the rest, and the kernel has what the fixes want', {
    ...needs(unfit),
    timeout: patient(300_000),
  }, async () => {
    const forms = formsOf(
      [
        setBridge('br7', 'ageing_time', 12_000),
        setBridge('br7', 'stp_state', false),
        setBridge('br7', 'mcast_querier', true),
        setBridge('br7', 'mcast_snooping', true),
        setBridge('br7', 'mcast_router', 0),
        ...(hasVlans ? [setBridge('br7', 'vlan_filtering', true)] : []),
      ],
      [ownEntry('00:0c:29:aa:bb:cc', 'br7')],
      [
        setPort('eno1', 'hairpin', false),
        setPort('eno1', 'flood', false),
        setPort('eno1', 'mcast_flood', false),
        setPort('eno1', 'bcast_flood', false),
        setPort('eno1', 'isolated', true),
        setPort('eno1', 'guard', true),
      ],
      [setEntry('52:54:00:85:20:d1', 'eno1', true)],
    );
    expect(forms.map(({ where }) => where.split('/').at(-1))).toEqual([
      'br7.nmconnection',
      '50-isolation-br7',
      'eno1.nmconnection',
      '50-isolation-eno1',
      '50-isolation-eno1',
    ]);
    const settings = forms.filter(({ form }) => form.startsWith('nmcli'));
    // Both scripts of eno1 would go into one file: what stands in the second follows the first.
    const [onBridge, first, second] = forms.filter(({ form }) => !form.startsWith('nmcli'));
    if (onBridge === undefined || first === undefined || second === undefined) throw new Error('no scripts');
    const both = { ...first, form: `${first.form}\n${second.form.split('\n').at(-1) ?? ''}` };
    const { status, stdout, stderr } = await runThrowAway(`${machine}
      ${Object.entries(profiles)
        .map(([device, text]) => put(file(device), text, 600))
        .join('\n')}
      ${daemons}
      ${until("bridge -d link show dev eno1 2> /dev/null | grep -q 'hairpin on'")}
      ${settings.map(doing).join('\n')}
      ${[onBridge, both].map(doing).join('\n')}
      ip -d link show dev br7 | grep -oE '(ageing_time|vlan_filtering) [0-9]*' | tr '\\n' ' '; echo
      nmcli connection up br7\\'s > /dev/null
      ${until("bridge -d link show dev eno1 | grep -q 'isolated on'")}
      ${until('bridge fdb show br br7 | grep -q 00:0c:29:aa:bb:cc')}
      ${show}`);
    expect(status, stderr).toBe(0);
    expect(
      stdout.split('\n').find((line) => line.startsWith('ageing_time')),
      stderr,
      // by `device reapply`, before the bridge is made anew
    ).toBe(`ageing_time 12000 vlan_filtering ${hasVlans ? 1 : 0} `);
    for (const reported of [
      'stp_state 0',
      'mcast_querier 1',
      ...(hasVlans ? ['vlan_filtering 1'] : []),
      'mcast_router 0 ',
      'hairpin off',
      'flood off',
      'mcast_flood off',
      'bcast_flood off',
      'isolated on',
      'guard on',
      '00:0c:29:aa:bb:cc dev br7',
      '52:54:00:85:20:d1 dev eno1 sticky master br7 static',
    ])
      expect(stdout, stderr).toContain(reported);
  });
});
