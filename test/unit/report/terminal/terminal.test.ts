import type { Cause } from '../../../../src/core/model/result.js';
import { describe, expect, it } from 'vitest';
import { leakGroups } from '../../../../src/core/judge/explain/leak-groups.js';
import { terminalReport } from '../../../../src/report/terminal/terminal.js';
import { experiment, findings, result, step, leakingStep } from '../../../support/report/fixture.js';

const render = (run: typeof experiment, width = 80, color = false): string =>
  terminalReport([{ result: run, dir: 'evidence/run 1', details: null }], { width, color, verbose: true });
const gate = (change: Parameters<typeof step>[1], run: Parameters<typeof result>[1] = {}): string =>
  render(result([step('gate', change)], run));

describe('terminal report with all that is known', () => {
  it('begins with the verdict, and calls an expected leak reproduced', () => {
    expect(render(experiment)).toMatch(
      /^REPRODUCED {2}wireshark-experiment: 3 steps hold, 2 expected leaks reproduced/,
    );
  });

  it('calls a gate that leaks broken, and says that this was not expected', () => {
    const text = gate(
      { verdict: 'broken', asExpected: false, findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }) },
      { exitCode: 2, asExpected: false },
    );
    expect(text).toMatch(/^BROKEN /);
    expect(text).toMatch(/BROKEN +≠ holds/);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'kali3 receives traffic from kali2 for lan (7 of 100 frames), by known-unicast as raw; first in frame 24',
    );
  });

  it('shows the zeros of a step as proven only where nothing speaks against it', () => {
    const silent = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0, winxp: 0 });
    const row = (text: string): string => text.split('\n').find((line) => line.includes('kali2 → lan')) ?? '';
    expect(row(gate({ findings: silent }, { verdict: 'holds' }))).toMatch(/100\s+100\s+0\s+–\s+0$/);
    const deaf = gate(
      {
        verdict: 'inconclusive',
        asExpected: false,
        findings: silent,
        reasons: [{ code: 'control-missing', observer: 'kali3', text: 'did not see its controls' }],
      },
      { verdict: 'inconclusive', exitCode: 3, asExpected: false },
    );
    expect(row(deaf)).toMatch(/100\s+100\s+\?\s+–\s+0$/);
    expect(deaf).toMatch(/^INCONCLUSIVE /);
    expect(deaf).toContain('control-missing at kali3: did not see its controls');
  });

  it('shows what an addressee got from whom it is to be kept', () => {
    const kept = findings('kali2', 'lan', 'raw', { lan: 7, kali3: 0 }, { allowed: 'no' }).map((finding) => ({
      ...finding,
      leak: finding.seen > 0,
    }));
    const row =
      gate({ verdict: 'broken', asExpected: false, findings: kept }, { exitCode: 2 })
        .split('\n')
        .find((line) => line.includes('kali2 → lan')) ?? '';
    expect(row).toMatch(/0\s+7!$/);
  });

  it('tells kinds of frame of one class apart: one that leaks is not hidden by one that does not', () => {
    const kinds = [
      ['plain', 0],
      ['later-fragment', 50],
      ['first-fragment', 0],
    ] as const;
    const rows = kinds.flatMap(([variant, seen]) =>
      findings('kali2', null, 'ipv4-udp', { kali3: seen }, { class: 'ip-spoof', variant, sent: 50 }),
    );
    const text = render(result([leakingStep('gate', rows)], { exitCode: 2 }), 140);
    expect(text).toMatch(/ip-spoof ipv4-udp plain, first-fragment +kali2 → all +100 .* 0$/m);
    expect(text).toMatch(/ip-spoof ipv4-udp later-fragment +kali2 → all +50 .* 50!$/m);
  });

  it('tells below a fix how it comes to stay, line by line as it is pasted', () => {
    const cause: Cause = {
      code: 'ageing-zero',
      place: 'br0.ageing_time',
      value: '0',
      text: 'br0 learns nothing',
      fix: 'ip link set dev br0 type bridge ageing_time 30000',
      lasting: [
        {
          by: 'netplan',
          device: 'br0',
          where: '/etc/netplan/90-isolation.yaml',
          form: 'network:\n  version: 2\u001b',
          apply: 'netplan apply',
          note: 'or there',
        },
        { by: 'netplan', device: 'br0', where: '', form: '', apply: '', note: 'there is none' },
      ],
    };
    const rows = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }, { causes: [cause] });
    const groups = leakGroups(rows).map((group) => ({
      ...group,
      causes: group.causes.map((each) => ({ ...each, lasting: cause.lasting ?? [] })),
    }));
    const text = gate({ verdict: 'broken', asExpected: false, findings: rows, groups }, { exitCode: 2 });
    expect(text).toContain(
      [
        'to last (netplan): /etc/netplan/90-isolation.yaml',
        '    network:',
        String.raw`      version: 2\u{1b}`,
        'then: netplan apply',
        'note: or there',
        'to last (netplan): there is none',
      ]
        .map((line) => `          ${line}`)
        .join('\n'),
    );
  });

  it('gives the commands to look at the evidence, quoted for a shell', () => {
    expect(render(experiment)).toContain("'evidence/run 1/evidence.pcapng'");
    expect(render(experiment)).toContain("verify-isolation replay 'evidence/run 1'");
    expect(render(experiment)).not.toContain('npx');
  });

  it('never lets names act on the terminal', () => {
    const evil = 'a\u001b[2J\u202e\nb';
    const text = gate({
      name: evil,
      verdict: 'broken',
      asExpected: false,
      findings: findings(evil, 'lan', 'raw', { lan: 100, [evil]: 3 }),
      reasons: [{ code: 'not-run', observer: evil, text: evil }],
    });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(text).toContain(String.raw`a\u{1b}[2J\u{202e}\u{a}b`);
  });

  it.each([60, 80, 100])('stays within %i columns, commands to copy excepted', (width) => {
    const long = render(experiment, width)
      .split('\n')
      .filter((line) => [...line].length > width && !/look at it|  again|  frames|  fix|    fix: /.test(line));
    expect(long).toEqual([]);
  });

  it('names leaks and counts zeros where bystanders are more than the columns', () => {
    const crowd = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`g${index}`, index === 7 ? 5 : 0]));
    const text = gate(
      { verdict: 'broken', asExpected: false, findings: findings('kali2', 'lan', 'raw', { lan: 100, ...crowd }) },
      { exitCode: 2 },
    );
    expect(text).toContain('g7 5!');
    expect(text).toContain('0 at 49');
  });

  describe('of a mesh that leaks', () => {
    const guests = Array.from({ length: 90 }, (_, index) => `g${index + 1}`);
    const leaking = guests.slice(0, 80);
    const rows = leaking.flatMap((from) =>
      guests
        .filter((to) => to !== from && to !== 'g90')
        .flatMap((to) => findings(from, to, 'raw', { g90: 1 }, { sent: 1 })),
    );
    const zeros = findings('*', '*', 'raw', Object.fromEntries(guests.map((name) => [name, 0])), {
      grouped: 7000,
      sent: 7000,
    });
    const text = gate({ verdict: 'broken', asExpected: false, findings: [...rows, ...zeros] }, { exitCode: 2 });

    it('has one line for each sender, and a number for what is beyond it', () => {
      expect(rows).toHaveLength(80 * 88);
      expect(text).toMatch(/raw +g1 → 88 of them +88 +– +g90 88!$/m);
      expect(text).toMatch(/raw +g60 → 88 of them/);
      expect(text).not.toContain('g61 → 88');
      expect(text).toContain('and 20 more lines, all of them in result.json');
      expect(text).toMatch(/raw +\* → \* +7000 .* 0/);
    });

    it('tells its cause once', () => {
      expect(text.replaceAll(/\s+/g, ' ')).toContain(
        'g90 receives traffic from g1 to g80 (80) for g1 to g89 (89) (7,040 of 7,040 frames)',
      );
    });
  });

  it('says the same with and without colour', () => {
    expect(render(experiment, 80, true).replace(/\u001b\[[0-9;]*m/g, '')).toBe(render(experiment));
    expect(render(experiment, 80, true)).not.toBe(render(experiment));
  });

  it('keeps a blank between INCONCLUSIVE and what was expected', () => {
    expect(gate({ verdict: 'inconclusive', asExpected: false }, { verdict: 'inconclusive', exitCode: 3 })).toMatch(
      /INCONCLUSIVE +≠ holds/,
    );
  });

  it('tells observers who overheard the same once', () => {
    const crowd = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`g${index}`, 5]));
    const text = gate(
      { verdict: 'broken', asExpected: false, findings: findings('kali2', 'lan', 'raw', { lan: 100, ...crowd }) },
      { exitCode: 2 },
    );
    expect(text.match(/50 of 51 endpoints receive traffic from kali2 for lan/g)).toHaveLength(2);
  });

  it('tells what each observer heard with --verbose only', () => {
    const [run] = [{ result: experiment, dir: null, details: null }];
    const line = 'kali3  at vnet1: controls 12 of 12, dropped 0 of 400, saw 0 of ';
    expect(terminalReport([run], { width: 100, color: false, verbose: true })).toContain(line);
    expect(terminalReport([run], { width: 100, color: false })).not.toContain(line);
  });

  it('tells what an observer overheard beside the zeros of its other flows', () => {
    const leaking = step('gate', {
      verdict: 'broken',
      findings: [...findings('kali2', 'lan', 'raw', { kali3: 7 }), ...findings('lan', 'kali2', 'raw', { kali3: 0 })],
    });
    const [run] = [{ result: result([leaking]), dir: null, details: null }];
    const text = terminalReport([run], { width: 120, color: false, verbose: true });
    expect(text).toMatch(/kali3 +at vnet1: .*, overheard 7, saw 0 of 100 others$/m);
  });
});
