import { describe, expect, it } from 'vitest';
import { usualDrainMs } from '../../../src/core/plan/observers.js';
import { htmlReport } from '../../../src/report/html/page.js';
import { lingerText, notAskedTexts, trustedTexts } from '../../../src/report/limits.js';
import { markdownReport } from '../../../src/report/markdown.js';
import type { ReportedRun, Reporter } from '../../../src/report/reporter.js';
import { terminalReport } from '../../../src/report/terminal/terminal.js';
import { judge, perfectRun } from '../../support/judge/perfect-run.js';
import { reported } from '../../support/report/evidence.js';

const suricata = {
  what: 'packet socket of suricata',
  where: 'every interface',
  reason: 'intrusion detection',
  owner: 'Ann',
  ticket: null,
  until: '2027-01-31',
};
function withLimits(limits: object): ReportedRun {
  const run = reported([]);
  return { ...run, result: { ...run.result, steps: run.result.steps.map((step) => ({ ...step, ...limits })) } };
}
const reporters: readonly (readonly [string, Reporter])[] = [
  ['the terminal', terminalReport],
  ['Markdown', markdownReport],
  ['HTML', htmlReport],
];
const render = (reporter: Reporter, run: ReportedRun): string => reporter([run], { width: 100, color: false });

describe('what a verdict rests on that nobody measured', () => {
  const text = 'packet socket of suricata at every interface, by Ann, until 2027-01-31: intrusion detection';

  it('is who is trusted, with owner, last day and reason, once each', () => {
    expect(trustedTexts(withLimits({ trusted: [suricata, suricata] }).result)).toEqual([text]);
    expect(trustedTexts(reported([]).result)).toEqual([]);
  });

  it.each(reporters)('stands in %s', (_, reporter) => {
    expect(render(reporter, reported([]))).not.toContain('suricata');
    expect(render(reporter, withLimits({ trusted: [suricata] }))).toContain(
      'packet socket of suricata at every interface',
    );
  });

  const reader = { pid: 99, name: 'suricata', where: 'enp8s0' };
  it.each(reporters)('are programs of the host that read there, behind the word, in %s', (_, reporter) => {
    const program = { path: '/usr/bin/suricata', device: 2049, inode: 77, owner: 0, user: 0 };
    const text = render(
      reporter,
      withLimits({
        readers: [
          { ...reader, program },
          { ...reader, pid: 100 },
        ],
      }),
    );
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(/read on this host by suricata \S*99\S* and suricata \S*100\S*\. \w/i);
  });

  it('in the terminal are programs that read in the first line of the verdict', () => {
    const lines = render(terminalReport, withLimits({ readers: [reader, reader] })).split('\n');
    const heads = lines.filter((line) => line.startsWith('HOLDS; read on this host by suricata (99). '));
    expect(heads).toHaveLength(2);
  });

  it('in the terminal are open matters, counted, with the words that answer for each', () => {
    const open = (trust: string) => ({ what: trust, where: 'br0', trust });
    const untrusted = ['packet socket of /usr/bin/a', 'BPF program b', 'nft dup', 'tc filter bpf'].map(open);
    const run = withLimits({ untrusted });
    const reasons = [{ code: 'bypass-possible', observer: null, text: '' }] as const;
    const steps = run.result.steps.map((step) => ({ ...step, verdict: 'inconclusive', reasons }) as const);
    const result = { ...run.result, steps, verdict: 'inconclusive', exitCode: 3 } as const;
    const lines = render(terminalReport, { ...run, result }).split('\n');
    expect(lines.filter((line) => line.startsWith('  trust '))).toEqual([
      '  trust   4 open matters: end it, or answer for it with',
      "  trust   --trust 'packet socket of /usr/bin/a'",
      "  trust   --trust 'BPF program b'",
      "  trust   --trust 'nft dup'",
      '  trust   and 1 more: "untrusted" in result.json',
    ]);
  });

  it('in the terminal is one line, however many are trusted, and says how many', () => {
    const many = Array.from({ length: 30 }, (__, at) => ({ ...suricata, what: `BPF program ${at}` }));
    const lines = render(terminalReport, withLimits({ trusted: many }))
      .trimEnd()
      .split('\n');
    expect(lines.filter((line) => line.includes('BPF program'))).toEqual([
      expect.stringMatching(/^ {2}trusted \(1 of 30\) /),
    ]);
    expect(lines.length).toBeLessThanOrEqual(23);
  });
});

describe('packets that were not sent, for an address is not known', () => {
  const udp = { class: 'known-unicast', carrier: 'ipv4-udp', from: ['g1', 'g2'], to: 'host', unknown: ['g1', 'g2'] };
  const toRouter = { ...udp, to: 'lan', unknown: ['g2', 'lan'] };

  it('are one line for each family, and one for both where they are alike', () => {
    const texts = (...notAsked: readonly object[]): readonly string[] => notAskedTexts(withLimits({ notAsked }).result);
    expect(texts(udp, udp, toRouter)).toEqual(['IPv4 from g1 and g2 to host and lan: no address of g1, g2 and lan']);
    expect(texts(udp, { ...udp, carrier: 'ipv6-udp' })).toEqual([
      'IPv4 and IPv6 from g1 and g2 to host: no address of g1 and g2',
    ]);
    expect(texts({ ...udp, to: null, unknown: [] })).toEqual([
      'IPv4 from g1 and g2: the class sends to addresses that no guest has',
    ]);
    expect(notAskedTexts(reported([]).result)).toEqual([]);
  });

  it.each(reporters)('are named in %s', (_, reporter) => {
    expect(render(reporter, withLimits({ notAsked: [udp] })).replaceAll(/\s+/g, ' ')).toMatch(
      /IPv4 from g1 and g2 to host(:|&#58;) no address of g1 and g2/,
    );
    expect(render(reporter, reported([]))).not.toContain('no address of');
  });
});

describe('what was not asked, in many lines', () => {
  const ofMany = { class: 'known-unicast', from: ['web1', 'db2', 'mail3', 'files4'], to: 'a-gateway-with-a-long-name' };
  const run = withLimits({
    notAsked: [
      { ...ofMany, carrier: 'ipv4-udp', unknown: [ofMany.to] },
      { ...ofMany, carrier: 'ipv6-udp', unknown: [...ofMany.from, ofMany.to] },
    ],
  });
  const linesOf = (verbose: boolean): readonly string[] => {
    const text = terminalReport([run], { width: 80, color: false, verbose });
    const closing = text.slice(text.lastIndexOf('\n\n')).split('\n');
    const first = closing.findIndex((line) => line.startsWith('  not asked'));
    return closing.slice(
      first,
      closing.findIndex((line) => line.startsWith('  exit status')),
    );
  };

  it('is one line with a count, and which option tells more', () => {
    expect(linesOf(false)).toEqual([
      '  not asked  IPv4 of 1 endpoint, IPv6 of 5 endpoints (no address): see --verbose',
    ]);
  });

  it('is told in full with that option', () => {
    expect(linesOf(true).length).toBeGreaterThan(2);
    expect(linesOf(true).join(' ').replaceAll(/\s+/g, ' ')).toContain(
      'IPv6 from web1, db2, mail3 and files4 to a-gateway-with-a-long-name: no address of',
    );
  });
});

describe('classes that an uplink would carry out', () => {
  it('are named as not asked on its bridge where another bridge is asked them', () => {
    const run = reported([]);
    const [step] = run.result.steps;
    const [first] = step?.findings ?? [];
    const { details } = run;
    if (step === undefined || first === undefined || details === null) throw new Error('nothing was judged');
    const [guest] = details.plan.endpoints.filter(({ role }) => role === 'guest');
    if (guest === undefined) throw new Error('there is no guest');
    const asking = (from: string): ReportedRun => ({
      ...run,
      result: {
        ...run.result,
        calibration: { at: '', durationMs: 1, engine: 'libpcap', planted: 1, seen: 1 },
        steps: [{ ...step, findings: [...step.findings, { ...first, class: 'mac-spoof', from }] }],
      },
      details: {
        ...details,
        plan: {
          ...details.plan,
          endpoints: [...details.plan.endpoints, { ...guest, name: 'nat1', bridge: 'virbr0', port: 'n1' }],
        },
      },
    });
    const line = 'not asked mac-spoof on br0: a switch beyond lan would learn wrong addresses; run --class NAME';
    expect(render(terminalReport, asking('nat1')).replaceAll(/\s+/g, ' ')).toContain(line);
    expect(render(terminalReport, asking(guest.name))).not.toContain('would learn wrong addresses');
  });
});

describe('until when a verdict holds', () => {
  /** A run in the lab that waited for this long. */
  const waited = (drainMs: number): ReturnType<typeof judge> => {
    const evidence = perfectRun();
    const plan = { ...evidence.plan, steps: evidence.plan.steps.map((step) => ({ ...step, drainMs })) };
    const timeline = evidence.timeline.map((entry) => (entry.event === 'drained' ? { ...entry, drainMs } : entry));
    return judge({ ...evidence, plan, timeline });
  };

  it.each([
    [500, 'holds until 0.5 s after the last probe of a step'],
    [10_000, 'holds until 10 s after the last probe of a step'],
  ])('is said where it was listened for longer than usual there: %i ms in the lab', (drainMs, text) => {
    const result = waited(drainMs);
    expect(result.steps[0]).toMatchObject({ verdict: 'holds', lingerMs: drainMs });
    expect(lingerText(result)).toBe(text);
  });

  it('is said by what is usual on that host', () => {
    const { plan, ...evidence } = perfectRun();
    const steps = plan.steps.map((step) => ({ ...step, drainMs: 500 }));
    const timeline = evidence.timeline.map((entry) => (entry.event === 'drained' ? { ...entry, drainMs: 500 } : entry));
    const onHost = (guestsAlone: boolean): unknown =>
      judge({ ...evidence, timeline, plan: { ...plan, provider: 'host', guestsAlone, steps } }).steps[0]?.lingerMs;
    expect([onHost(true), onHost(false)]).toEqual([500, undefined]);
  });

  it('is not said where it was listened for as long as usual', () => {
    expect(judge(perfectRun()).steps[0]).not.toHaveProperty('lingerMs');
    expect(waited(usualDrainMs({ provider: 'lab' })).steps[0]).not.toHaveProperty('lingerMs');
  });

  it.each(reporters)('stands in %s', (_, reporter) => {
    expect(render(reporter, withLimits({ lingerMs: 2500 }))).toContain('holds until 2.5 s after the last probe');
    expect(render(reporter, reported([]))).not.toContain('after the last probe of a step');
  });

  it('is not said of a run that does not hold', () => {
    const broken = reported(['c']);
    const steps = broken.result.steps.map((step) => ({ ...step, lingerMs: 2500 }));
    expect(lingerText({ ...broken.result, steps })).toBeNull();
  });
});

describe('the diagram of bridges and leaks', () => {
  const ear = (name: string, party?: string) => {
    const base = reported([]);
    const [observer] = base.details?.plan.steps[0]?.observers ?? [];
    if (base.details === null || observer === undefined) throw new Error('no details');
    const found = { ...observer, name, place: 'above' as const, ...(party === undefined ? {} : { party }) };
    const entry = { atNs: '1', monoMs: 1, step: 0, event: 'ear' as const, observer: found };
    return htmlReport([{ ...base, details: { ...base.details, timeline: [...base.details.timeline, entry] } }], {
      width: 80,
      color: false,
    });
  };

  it('shows what a guest has above the bridge at the guest', () => {
    const text = ear('mv0@br0', 'c');
    expect(text).toMatch(/class="small"[^>]*>port p2 \+ mv0@br0</);
    expect(text).toContain(', also at mv0@br0');
  });

  it('names what is beside the ports and nobody known has', () => {
    expect(ear('mv0@br0')).toContain('mv0@br0 (beside the ports, whose it is is not known)');
    expect(ear('<b>@br0')).not.toContain('<b>');
  });
});
