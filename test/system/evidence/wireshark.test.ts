import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { answerVariant, type Result } from '../../../src/core/model/result.js';
import { fresh, program, runLab, top } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';
import { needs, program as installed } from '../../support/needs.js';

// Wireshark's own programs read what a run leaves.

/** Lines of fields; tshark's only word on stderr may be that it runs as root. */
function fields(file: string, filter: string, ...names: readonly string[]): readonly (readonly string[])[] {
  const { status, stdout, stderr } = spawnSync(
    'tshark',
    ['-r', file, '-Y', filter, '-T', 'fields', ...names.flatMap((name) => ['-e', name])],
    { encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Running as user'));
  expect({ status, said }).toEqual({ status: 0, said: [] });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

describe('the evidence of a run, read by Wireshark', needs(installed('tshark')), () => {
  let dir = '';
  let result: Result;
  let leaks = 0;
  beforeAll(async () => {
    ({ dir, result } = await runLab(join(top, 'scenarios/bridged-bridge.yml')));
    leaks = result.steps
      .flatMap(({ findings }) => findings)
      .filter(({ leak, variant }) => leak && variant !== answerVariant)
      .reduce((sum, { seen }) => sum + seen, 0);
  }, patient(300_000));
  const exported = async (name: string, ...args: readonly string[]): Promise<string> => {
    const file = join(fresh(name));
    expect(await program(['export', dir, '-o', file, ...args])).toMatchObject({ status: 0 });
    return file;
  };

  it('has an interface for each observer and step, with name, description and statistics', () => {
    const file = join(dir, 'evidence.pcapng');
    const { stdout, stderr, status } = spawnSync('capinfos', [file], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/Encapsulation = Ethernet/);
    expect(stdout).toMatch(/Time precision = nanoseconds/);
    expect(stdout).toMatch(/Strict time order: +True/);
    expect(stdout.match(/Interface #\d+ info/g)).toHaveLength(2 * 5);
    expect(stdout.match(/Number of stat entries = 1/g)).toHaveLength(2 * 5);
    const names = new Set(fields(file, 'frame', 'frame.interface_name').map(([name]) => name));
    expect([...names].sort()).toEqual(['br0', 'enp8s0', 'vmnet0', 'vnet0', 'vnet4']);
  });

  it('comments on leaks, says directions, and numbers its frames as the result does', () => {
    const file = join(dir, 'evidence.pcapng');
    const commented = fields(
      file,
      'frame.comment contains "LEAK"',
      'frame.number',
      'frame.comment',
      'frame.interface_name',
    );
    expect(commented.length).toBe(leaks);
    const first = result.steps[0]?.findings.find(({ leak }) => leak)?.firstSighting?.frame;
    const [, comment, name] = commented.find(([number]) => Number(number) === first) ?? [];
    expect(comment).toMatch(/^LEAK probe \d+ lan→winxp known-unicast/);
    expect(name).toMatch(/^vnet[04]$/);
    // On a port's host side what goes to the guest is outgoing: 2 in the block's flags.
    expect(
      new Set(
        fields(file, 'frame.comment contains "LEAK"', 'frame.packet_flags_direction').map(([direction]) =>
          Number(direction),
        ),
      ),
    ).toEqual(new Set([2]));
  });

  it('holds no malformed frame and no bad checksum among the probes', () => {
    expect(
      fields(
        join(dir, 'evidence.pcapng'),
        '_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0',
        'frame.number',
      ),
    ).toEqual([]);
  });

  it('exports whole as pcapng and as pcap, without a warning', async () => {
    const frames = fields(join(dir, 'evidence.pcapng'), 'frame', 'frame.time_epoch', 'frame.len');
    for (const file of [await exported('all.pcapng'), await exported('all.pcap', '--controls')])
      expect(fields(file, 'frame', 'frame.time_epoch', 'frame.len')).toEqual(frames);
    expect(readFileSync(await exported('again.pcap')).readUInt32LE(0)).toBe(0xa1b23c4d);
  });

  it('exports leaks alone, and those of one observer', async () => {
    const only = fields(
      await exported('leaks.pcapng', '--only', 'leaks'),
      'frame',
      'frame.interface_name',
      'frame.comment',
    );
    expect(only.length).toBe(leaks);
    expect(only.every(([, comment = '']) => comment.startsWith('LEAK'))).toBe(true);
    const kali3 = fields(
      await exported('kali3.pcapng', '--only', 'leaks', '--observer', 'kali3'),
      'frame',
      'frame.interface_name',
    );
    expect(kali3.length).toBe(
      result.steps
        .flatMap(({ findings }) => findings)
        .filter(({ leak, observer, variant }) => leak && observer === 'kali3' && variant !== answerVariant)
        .reduce((sum, { seen }) => sum + seen, 0),
    );
    expect(new Set(kali3.map(([name]) => name))).toEqual(new Set(['vnet4']));
    const { status, stderr } = await program(['export', dir, '-o', fresh('x.pcapng'), '--observer', 'kali9']);
    expect({ status, stderr }).toEqual({ status: 64, stderr: expect.stringContaining('kali2, kali3, lan') });
  });
});
