import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../support/call.js';
import { smallRun } from '../../support/lab/small-run.js';
import { needs, program } from '../../support/needs.js';

const contrib = resolve(import.meta.dirname, '../../../contrib/wireshark');
let run = { scratch: '', dir: '' };
beforeAll(() => {
  run = smallRun();
  // Wireshark loads no Lua for root, so nobody reads what root made.
  const config = join(run.scratch, 'config/profiles');
  mkdirSync(config, { recursive: true });
  cpSync(join(contrib, 'profile'), join(config, 'verify-isolation'), { recursive: true });
  cpSync(join(contrib, 'verify-isolation.lua'), join(run.scratch, 'vi.lua'));
  cpSync(join(run.dir, 'evidence.pcapng'), join(run.scratch, 'evidence.pcapng'));
  for (const path of ['.', 'evidence.pcapng', 'vi.lua']) chmodSync(join(run.scratch, path), 0o755);
});
afterAll(() => rmSync(run.scratch, { recursive: true, force: true }));

/** tshark on a file, as nobody where the tests run as root; lines of what it prints. */
function tshark(file: string, ...args: readonly string[]): readonly string[] {
  const argv = ['tshark', '-r', file, ...args];
  const [program = '', ...rest] =
    process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...argv] : argv;
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    env: { ...process.env, HOME: run.scratch, WIRESHARK_CONFIG_DIR: join(run.scratch, 'config') },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').slice(0, -1);
}
const whole = (): string => join(run.scratch, 'evidence.pcapng');

function exported(name: string, ...args: readonly string[]): string {
  const out = join(run.scratch, name);
  const { status, stderr } = call('export', run.dir, '-o', out, ...args);
  // Any run has controls; those of a .pcap are told of.
  const without = name.endsWith('.pcap') && !args.includes('--controls') ? /^ without \d+ controls, .*\n$/ : /^\n$/;
  const [wrote, then = ''] = stderr.split(` to ${JSON.stringify(out)}`);
  expect([status, wrote, then]).toEqual([
    0,
    expect.stringMatching(/^wrote [\d,]+ frames?$/),
    expect.stringMatching(without),
  ]);
  chmodSync(out, 0o644);
  return out;
}
const field = (file: string, name: string): readonly string[] => tshark(file, '-T', 'fields', '-e', name);

describe('export', needs(program('tshark')), () => {
  it('keeps the leaks alone: those that the comments tell of', () => {
    const comments = field(exported('leaks.pcapng', '--only', 'leaks'), 'frame.comment');
    expect(comments.length).toBeGreaterThan(40);
    expect(comments.every((comment) => comment.includes('LEAK'))).toBe(true);
    expect(tshark(whole(), '-Y', 'frame.comment contains "LEAK"').length).toBe(comments.length);
  });

  it('goes to stdout for -o -, byte for byte, and ends quietly where the reader goes', () => {
    const script = '"$0" "$1" export "$2" -o - --only leaks 2>/dev/null >"$3"; "$0" "$1" export "$2" -o - | head -c 9';
    const piped = join(run.scratch, 'piped.pcapng');
    const cli = resolve(import.meta.dirname, '../../../dist/cli.cjs');
    const { stderr } = spawnSync('sh', ['-c', script, process.execPath, cli, run.dir, piped], { encoding: 'utf8' });
    expect(stderr).toMatch(/^wrote \d+ frames to stdout\n$/);
    expect(readFileSync(piped)).toEqual(readFileSync(exported('leaks-again.pcapng', '--only', 'leaks')));
  });

  it('keeps the frames of one packet id, or of some', () => {
    expect(new Set(field(exported('one.pcapng', '--probe', '7'), 'frame.packet_id'))).toEqual(new Set(['7']));
    const some = field(exported('some.pcapng', '--probe', '3-5'), 'frame.packet_id');
    expect(some).toEqual(field(whole(), 'frame.packet_id').filter((id) => ['3', '4', '5'].includes(id)));
  });

  it('keeps one step alone, by number or name', () => {
    const [first, http] = [exported('step1.pcapng', '--step', '1'), exported('http.pcapng', '--step', 'http')];
    const [all, one, two] = [whole(), first, http].map((file) => field(file, 'frame.time_epoch'));
    expect([one?.length, two?.length].every((length) => length !== undefined && length > 40)).toBe(true);
    expect([...(one ?? []), ...(two ?? [])]).toEqual(all);
    expect(tshark(first, '-Y', 'tcp')).toEqual([]);
    expect(tshark(http, '-Y', 'tcp').length).toBe(tshark(whole(), '-Y', 'tcp').length);
  });

  it('keeps the frames between two times, both included', () => {
    const times = field(whole(), 'frame.time_epoch');
    const text = (epoch = ''): string =>
      `${new Date(Number(epoch.split('.')[0]) * 1000).toISOString().slice(0, 19)}.${epoch.split('.')[1] ?? ''}Z`;
    const [from, until] = [times[10], times[30]];
    const kept = field(exported('time.pcapng', '--from', text(from), '--until', text(until)), 'frame.time_epoch');
    expect(kept).toEqual(times.filter((time) => time >= (from ?? '') && time <= (until ?? '')));
  });

  it('cuts payload but neither headers nor tokens, and says how long frames were', () => {
    const cut = exported('cut.pcapng', '--snap', 'headers');
    expect(field(cut, 'frame.len')).toEqual(field(whole(), 'frame.len'));
    expect(field(cut, 'frame.packet_id')).toEqual(field(whole(), 'frame.packet_id'));
    expect(field(whole(), 'tcp.payload').some((bytes) => bytes !== '')).toBe(true);
    expect(field(cut, 'tcp.payload').every((bytes) => bytes === '')).toBe(true);
  });

  it('writes what capinfos, editcap and mergecap take', () => {
    const leaks = exported('a.pcapng', '--only', 'leaks');
    const classic = exported('b.pcap', '--observer', 'c');
    const both = join(run.scratch, 'both.pcapng');
    expect(spawnSync('mergecap', ['-w', both, leaks, classic]).status).toBe(0);
    expect(spawnSync('editcap', ['-r', leaks, join(run.scratch, 'first.pcapng'), '1-10']).status).toBe(0);
    const count = (file: string): number =>
      Number(
        /Number of packets:\s+(\d+)/.exec(spawnSync('capinfos', ['-M', '-c', file], { encoding: 'utf8' }).stdout)?.[1],
      );
    expect(count(leaks)).toBeGreaterThan(10);
    expect(count(both)).toBe(count(leaks) + count(classic));
    expect(count(join(run.scratch, 'first.pcapng'))).toBe(10);
  });

  it.each([
    ['--probe', 'x'],
    ['--probe', '5-3'],
    ['--from', 'yesterday'],
    ['--until', '2026-11-24'],
    ['--snap', '68'],
    ['--observer', 'nobody'],
  ])('exits 64 for %s %s', (option, value) => {
    expect(call('export', run.dir, '-o', join(run.scratch, 'never.pcapng'), option, value).status).toBe(64);
  });
});

describe('replay --mac of what export wrote', needs(program('tshark')), () => {
  // MACs that the plan gave to the lab's guests.
  const macOf = (name: string): string =>
    (
      JSON.parse(readFileSync(join(run.dir, 'plan.json'), 'utf8')) as { endpoints: { name: string; macs: string[] }[] }
    ).endpoints.find((endpoint) => endpoint.name === name)?.macs[0] ?? '';
  const replay = (file: string, name: string) => {
    const { status, stdout, stderr } = call('replay', file, '--mac', macOf(name), '--json');
    return {
      status,
      stderr,
      files:
        status === 64
          ? []
          : (
              JSON.parse(stdout) as { listeners: { files: { foreign: number; controls: number; own: number }[] }[] }
            ).listeners.flatMap(({ files }) => files),
    };
  };

  it("takes for overheard what others say to each other, and the tool's own controls for what they are", () => {
    const file = exported('c.pcapng', '--observer', 'c');
    const leaks = tshark(file, '-Y', 'frame.comment contains "LEAK"').length;
    // Those that enter are the guest's own as far as its port can tell.
    const controls = tshark(
      file,
      '-Y',
      'frame.packet_flags_direction == 2 and frame.comment contains "CONTROL"',
    ).length;
    expect(controls).toBeGreaterThan(5);
    expect(replay(file, 'c')).toMatchObject({ status: 2, files: [{ controls }] });
    const [heard] = replay(file, 'c').files;
    // Answers of the two that talk (ARP, ICMP errors) are no probes, but are overheard as well.
    const towards = tshark(
      file,
      '-Y',
      'frame.packet_flags_direction == 2 and eth.dst.ig == 0 and not frame.comment contains "CONTROL"',
    ).length;
    expect(heard?.foreign).toBe(towards);
    expect(towards).toBeGreaterThanOrEqual(leaks);
  });

  it('hears in a .pcap what it hears in a .pcapng: the controls, which it could not tell, are left out unless they are asked for', () => {
    const [pcapng, plain, whole] = [
      exported('d.pcapng', '--observer', 'c'),
      exported('d.pcap', '--observer', 'c'),
      exported('e.pcap', '--observer', 'c', '--controls'),
    ];
    const controls = tshark(pcapng, '-Y', 'frame.comment contains "CONTROL"').length;
    expect([tshark(plain).length, tshark(whole).length]).toEqual([
      tshark(pcapng).length - controls,
      tshark(pcapng).length,
    ]);
    const [heard, asked] = [replay(plain, 'c').files[0]?.foreign ?? 0, replay(whole, 'c').files[0]?.foreign ?? 0];
    expect(heard).toBe(replay(pcapng, 'c').files[0]?.foreign);
    expect(asked).toBeGreaterThan(heard);
  });

  it('exits 64 where the capture holds what several ports saw', () => {
    expect(replay(whole(), 'c')).toMatchObject({ status: 64, stderr: expect.stringContaining('--observer') as string });
  });
});

describe('contrib/wireshark', needs(program('tshark')), () => {
  it('shows in each frame the token whose index is its packet id', () => {
    const rows = tshark(
      whole(),
      '-X',
      `lua_script:${join(run.scratch, 'vi.lua')}`,
      '-T',
      'fields',
      '-e',
      'frame.packet_id',
      '-e',
      'verify_isolation.index',
    );
    expect(rows.filter((row) => row !== '\t').length).toBeGreaterThan(100);
    expect(rows.filter((row) => row.split('\t')[0] !== row.split('\t')[1])).toEqual([]);
  });

  it('colours leaks', () => {
    const rules = tshark(
      whole(),
      '-C',
      'verify-isolation',
      '--color',
      '-T',
      'fields',
      '-e',
      'frame.coloring_rule.name',
      '-e',
      'frame.comment',
    );
    const leaks = rules.filter((row) => row.includes('LEAK'));
    expect(leaks.length).toBeGreaterThan(40);
    expect(leaks.every((row) => row.startsWith('Leak\t'))).toBe(true);
    expect(rules.filter((row) => !row.includes('LEAK')).some((row) => row.startsWith('Leak'))).toBe(false);
  });

  it('is the filter that a run names', () => {
    expect(call('replay', run.dir).stdout).toContain(`wireshark -Y 'frame.comment contains "LEAK"' `);
    expect(readFileSync(join(contrib, 'profile/colorfilters'), 'utf8')).toContain('@frame.comment contains "LEAK"@');
  });
});
