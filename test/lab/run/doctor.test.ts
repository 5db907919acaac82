import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorReport, MachineCheck } from '../../../src/core/model/machine.js';
import { fresh, type Outcome, program, top } from '../../support/lab/program.js';

const filtered = join(top, 'scenarios/hardening/vlan-hop-filtered.yml');
const reportOf = ({ stdout }: Outcome): DoctorReport => JSON.parse(stdout);
const checks = (report: DoctorReport): readonly MachineCheck[] => report.groups.flatMap((group) => group.checks);
const check = (report: DoctorReport, id: string): MachineCheck =>
  checks(report).find((check) => check.id === id) ?? {
    id,
    state: 'missing',
    text: 'no such check',
    mend: null,
    neededBy: [],
  };
/** Mounts nothing, changes nothing outside: a user namespace of its own, in which no further one may be made. */
const usedUp = [
  'unshare',
  '--user',
  '--map-root-user',
  'sh',
  '-c',
  'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all -- "$@"',
  '-',
];

/**
 * A seccomp filter in which unshare(2) is not permitted, as a container's default profile has it (linux/seccomp.h,
 * linux/filter.h).
 */
function withoutUnshare(): string {
  const number = process.arch === 'arm64' ? 97 : 272;
  const code = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, number],
    [0x06, 0, 0, 0x0005_0001],
    [0x06, 0, 0, 0x7fff_0000],
  ] as const;
  const bytes = Buffer.alloc(code.length * 8);
  code.forEach(([operation, jumpTrue, jumpFalse, k], at) => {
    bytes.writeUInt16LE(operation, at * 8);
    bytes.writeUInt8(jumpTrue, at * 8 + 2);
    bytes.writeUInt8(jumpFalse, at * 8 + 3);
    bytes.writeUInt32LE(k, at * 8 + 4);
  });
  const path = fresh('filter.bpf');
  writeFileSync(path, bytes);
  return path;
}

describe('doctor', () => {
  it('says what there is, each feature of the kernel with the scenarios that need it', async () => {
    const outcome = await program(['doctor', '--json']);
    const report = reportOf(outcome);
    expect({ status: outcome.status, stderr: outcome.stderr, ok: report.ok }).toEqual({
      status: 0,
      stderr: '',
      ok: true,
    });
    expect(check(report, 'lab').text).toContain(process.getuid?.() === 0 ? 'as root' : 'in a user namespace');
    expect(check(report, 'engine-libpcap').text).toContain('libpcap version');
    expect(check(report, 'program-ip').text).toContain('iproute2');
    expect(check(report, 'vlan-filtering').neededBy).toContain('scenarios/hardening/vlan-hop-filtered.yml');
    expect(check(report, 'locked').neededBy).toContain('scenarios/attacks/mac-spoof.yml');
    expect(check(report, 'br_netfilter').text).toContain('br_netfilter');
    expect(
      checks(report).filter(({ state, mend }) => state === 'missing' || (state === 'ok' && mend !== null)),
    ).toEqual([]);
  });

  it('ends with 69 where a scenario that is asked for needs what this kernel lacks, and only then', async () => {
    const outcome = await program(['doctor', filtered, '--json']);
    const { state, mend } = check(reportOf(outcome), 'vlan-filtering');
    expect({ status: outcome.status, state }).toEqual(
      state === 'ok' ? { status: 0, state } : { status: 69, state: 'missing' },
    );
    expect(mend === null).toBe(state === 'ok');
  });

  it('names the limit on user namespaces and what raises it', async () => {
    const outcome = await program(['doctor', '--json'], { prefix: usedUp });
    const report = reportOf(outcome);
    expect(outcome.status).toBe(69);
    expect(check(report, 'lab')).toMatchObject({
      state: 'missing',
      text: expect.stringContaining('No space left on device'),
      mend: expect.stringContaining('user.max_user_namespaces'),
    });
    expect(check(report, 'user.max_user_namespaces')).toMatchObject({
      state: 'note',
      mend: expect.stringContaining('sysctl -w user.max_user_namespaces='),
    });
    expect(check(report, 'features').text).toContain('not tried');
    expect(check(report, 'host')).toMatchObject({
      state: 'note',
      text: expect.stringContaining('CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_SETPCAP are missing'),
    });
  });

  it("names a container's seccomp filter and the options that mend it", async () => {
    const outcome = await program(['doctor'], {
      prefix: ['setpriv', '--no-new-privs', '--seccomp-filter', withoutUnshare(), '--'],
    });
    expect(outcome.status).toBe(69);
    expect(outcome.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /under a seccomp filter.*MISSING .*Operation not permitted.*→ in a container: start it with --privileged, or with --cap-add SYS_ADMIN/,
    );
    expect(outcome.stdout).toContain('1 missing: fix that first');
  });

  it('refuses a scenario that is invalid', async () => {
    const path = fresh('bad.yml');
    writeFileSync(path, 'version: 1\n');
    expect(await program(['doctor', path])).toMatchObject({ status: 64, stdout: '' });
  });
});
