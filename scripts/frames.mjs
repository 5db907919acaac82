// Prints docs/frames.md: for every class of probe the frames that it plans, with what tcpdump says of each and its
// bytes. `--write` puts it there. A test holds the file against it. Needs dist and tcpdump.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrapMarkdown } from './wrap-markdown.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const { loadScenario } = await import('../build/core/scenario/load-scenario.js');
const { makePlan } = await import('../build/core/plan/make-plan.js');
const { probeClasses } = await import('../build/core/model/scenario.js');
const { disruptiveClasses } = await import('../build/core/probe/classes.js');
const { buildFrame } = await import('../build/core/probe/frames/frame.js');
const { tokensFor, tokenLength, findToken } = await import('../build/core/wire/token.js');
const { classicHeader, classicRecord } = await import('../build/core/pcap/classic/writer.js');

const runTag = 0x12345678;
const key = new Uint8Array(32).fill(9);
/** What a class needs beside a sender and an addressee. */
const extra = { multicast: 'group: 239.1.1.1, ', 'igmp-query': 'group: 239.1.1.1, ', 'stp-root': '' };
const alone = [
  'unknown-unicast',
  'broadcast',
  'multicast',
  'link-local-multicast',
  'vlan-hop',
  'dhcp-offer',
  'igmp-query',
  'stp-root',
];
const to = { 'gateway-steal': 'to: lan, ', 'mac-steal': 'to: bob, ' };

const step = (name) =>
  `  - { name: ${name}, wait: 2s, probe: { class: ${name}, from: alice, ${alone.includes(name) ? '' : (to[name] ?? 'to: bob, ')}${extra[name] ?? ''}${name === 'stp-root' ? '' : 'count: 1, '}}, expect: unjudged }`;
const text = `version: 1
name: frames
allow_disruptive: true
topology:
  provider: lab
  bridges: { br0: { ageing_time: 1s, address: [ 10.0.0.1/24, "fd00::1/64" ] } }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a", ip: [ 10.0.0.10/24, "fd00::10/64" ] }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b", ip: [ 10.0.0.11/24, "fd00::11/64" ] }
    lan: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55", ip: [ 10.0.0.200/24, "fd00::200/64" ], role: uplink }
steps:
${probeClasses.map(step).join('\n')}
`;
const plan = makePlan(loadScenario('frames', Buffer.from(text)), {
  runTag,
  keySha256: '0'.repeat(64),
  bridgeMacs: { br0: '02:76:69:fe:00:00' },
});

const purposes = { stimulus: 'what causes it', restore: 'restores the owner', probe: '' };
const flows = plan.steps.flatMap((step) =>
  [...step.flows].map((flow) => ({
    step: step.name,
    flow,
    frame: buildFrame(flow.frame, tokensFor(key, runTag, flow.first, 1)),
  })),
);

function decoded() {
  const folder = mkdtempSync(join(tmpdir(), 'frames-'));
  try {
    const file = join(folder, 'all.pcap');
    writeFileSync(
      file,
      Buffer.concat([
        classicHeader('micro', 65_535),
        ...flows.map(({ frame }, at) =>
          classicRecord('micro', { timeNs: BigInt(at) * 1_000_000n, originalLength: frame.length, data: frame }),
        ),
      ]),
    );
    const { status, stdout, stderr } = spawnSync('tcpdump', ['-r', file, '-nevvt'], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(stderr);
    return stdout
      .replaceAll(/\n\s+0x[0-9a-f]{4}:.*/g, '')
      .replaceAll(/\n[ \t]+/g, ' ')
      .trim()
      .split('\n')
      .map((line) => line.trimEnd().replace(/(length \d+):$/, '$1'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sixteen bytes a line, the token in brackets. */
function bytes(frame) {
  const found = findToken(frame, 0, frame.length, runTag, -1);
  const hex = [...frame].map((byte) => byte.toString(16).padStart(2, '0'));
  const at = found === null ? -1 : tokenAt(frame);
  return Array.from({ length: Math.ceil(hex.length / 16) }, (_, row) =>
    hex
      .slice(row * 16, row * 16 + 16)
      .map((byte, column) => {
        const index = row * 16 + column;
        return `${index === at ? '[' : ''}${byte}${at >= 0 && index === at + tokenLength - 1 ? ']' : ''}`;
      })
      .join(' '),
  ).join('\n');
}

/** Where the token begins: its magic and the run's tag. */
function tokenAt(frame) {
  return Buffer.from(frame).indexOf(Buffer.from('564912345678', 'hex'));
}

const lines = decoded();
const sections = probeClasses.map((name) => {
  const own = flows.map((flow, at) => ({ ...flow, line: lines[at] })).filter((one) => one.step === name);
  const blocks = own.map(({ flow, frame, line }) => {
    const purpose = purposes[flow.purpose ?? 'probe'];
    const title = [
      flow.carrier,
      ...(!flow.variant ? [] : [flow.variant]),
      ...(purpose === '' ? [] : [purpose]),
      `sent by ${flow.sender}`,
    ].join(', ');
    return `${title}\n\n\`\`\`text\n${line}\n\n${bytes(frame)}\n\`\`\``;
  });
  return `## ${name}${disruptiveClasses.includes(name) ? ' *' : ''}\n\n${blocks.join('\n\n')}`;
});
const page = wrapMarkdown(`# Frames, byte by byte

To know a frame that you see in a capture, or to check what a probe sends: look up its class here. \`verify-isolation plan FILE --hex\` prints the frames of a scenario of yours.

What each class of probe puts on the wire with its usual carriers, from alice (52:54:00:00:00:0a, 10.0.0.10, fd00::10) to bob (…:0b, …11) on a bridge (02:76:69:fe:00:00,
10.0.0.1) with an uplink, lan (00:11:22:33:44:55, …200), as tcpdump reads it (\`tcpdump -nevvt\`), and below it the bytes from the destination MAC on. The token in brackets says which probe a frame stems
from: two bytes \`56 49\`, the run's tag (4), its index (4), and an authenticator (8) that only the run can make. Frames are filled up with zeros to 60 bytes.
Classes with * disturb guests. Tests hold this page against the program, and every class with every carrier against tcpdump and tshark, which find nothing malformed.

${sections.join('\n\n')}
`);
if (process.argv.includes('--write')) writeFileSync(join(top, 'docs/frames.md'), page);
else process.stdout.write(page);
