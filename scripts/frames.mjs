// Prints docs/frames.md: for every class of probe the frames that it plans, with what tcpdump says of each and its
// bytes. `--write` puts it there. A test holds the file against it. Needs dist and tcpdump.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrapMarkdown } from './wrap-markdown.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const { loadScenario } = await import('../build/core/scenario/load-scenario.js');
const { makePlan } = await import('../build/core/plan/make-plan.js');
const { probeClasses, scenarioClasses } = await import('../build/core/probe/classes.js');
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

/** A PADO of PPPoE (RFC 2516 5.2), as scenarios/attacks/frame.yml has it. */
const hex = '{dst_mac} {src_mac} 8863 11 07 0000 0016 0103 0012 {token}';
const ownFrames = `Yours, here by

\`\`\`yaml
- { class: frame, from: alice, to: bob, hex: "${hex}" }
- { class: frame, from: alice, to: bob, pcap: frame.pcap }
\`\`\`

- Places are \`{dst_mac}\`, \`{src_mac}\`, \`{src_ip}\`, \`{dst_ip}\` and \`{token}\`. A frame of \`pcap\` gets the MACs of both.
- Without \`{token}\` the last 18 bytes are the token, or those at \`token_at\`.
- Checksums over a place are computed; all others stay.
- A group needs \`may_see\`.
- On a host it takes \`--allow-frames\` and \`--allow-disruptive\`, the sender's MAC, and guests. Beside a port that may lead out (else 69): one with a static entry.

`;

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
  - name: frame
    probe:
      - { class: frame, from: alice, to: bob, count: 1, hex: "${hex}" }
      - { class: frame, from: alice, to: bob, count: 1, pcap: frame.pcap }
    expect: unjudged
`;
const readFile = (path) => readFileSync(join(top, 'scenarios/attacks', path));
const plan = makePlan(loadScenario('frames', Buffer.from(text), { readFile }), {
  runTag,
  keySha256: '0'.repeat(64),
  bridgeMacs: { br0: '02:76:69:fe:00:00' },
});

const purposes = { stimulus: 'what causes it', restore: 'restores the owner', probe: '' };
const flows = plan.steps.flatMap((step) =>
  [...step.flows].map((flow) => ({
    step: step.name,
    flow,
    frame: Buffer.from(buildFrame(flow.frame, tokensFor(key, runTag, flow.first, 1))),
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
    const { status, stdout, stderr } = spawnSync('tcpdump', ['-r', file, '-nt'], {
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

/** Where the header of the link layer has its fields: MACs, each tag, length, LLC and SNAP, type. */
function linkFields(frame) {
  const ends = [6, 12];
  let at = 12;
  while ([0x8100, 0x88a8].includes(frame.readUInt16BE(at))) ends.push((at += 4));
  if (frame.readUInt16BE(at) >= 0x600) return [...ends, at + 2];
  const isSnap = frame[at + 2] === 0xaa;
  return [...ends, at + 2, at + 5, ...(isSnap ? [at + 8, at + 10] : [])];
}

/** The length of an IP header that begins at `at`; 0 where none does. */
function ipHeaderLength(frame, at) {
  const type = frame.readUInt16BE(at - 2);
  if (type === 0x86dd) return 40;
  return type === 0x0800 ? (frame[at] & 15) * 4 : 0;
}

/** Packets whose headers were shown: what tcpdump says, without addresses. */
const shownPackets = new Set();

/**
 * A line for the link layer, for the IP header, for what it carries, and for the token: by field, else by four bytes.
 * Zeros at the end are left out; lines of zeros are one `*`. Of a packet like one before, whose addresses tcpdump's
 * line has, the link layer alone.
 */
function bytes(frame, line) {
  const hex = (from, to) => frame.subarray(from, to).toString('hex');
  const byFour = (from, to) => {
    const groups = Array.from({ length: Math.ceil((to - from) / 4) }, (_, index) =>
      hex(from + index * 4, Math.min(from + index * 4 + 4, to)),
    );
    return Array.from({ length: Math.ceil(groups.length / 8) }, (_, row) =>
      groups.slice(row * 8, row * 8 + 8).join(' '),
    );
  };
  const token = findToken(frame, 0, frame.length, runTag, -1) === null ? frame.length : tokenAt(frame);
  const tokenEnd = Math.min(token + tokenLength, frame.length);
  const end = Math.max(tokenEnd, frame.findLastIndex((byte) => byte !== 0) + 1);
  const link = linkFields(frame);
  const network = link.at(-1) + ipHeaderLength(frame, link.at(-1));
  const linkLine = link.map((to, index) => hex(link[index - 1] ?? 0, to)).join(' ');
  const packet = network === link.at(-1) ? '' : line.replace(/\S+ > \S+:/, '');
  if (shownPackets.has(packet)) return linkLine;
  if (packet !== '') shownPackets.add(packet);
  return [linkLine, ...byFour(link.at(-1), network), ...byFour(network, token), '[token]', ...byFour(tokenEnd, end)]
    .map((line) => (/^[0 ]{32,}$/.test(line) ? '*' : line))
    .filter((line, index, lines) => line !== '*' || lines[index - 1] !== '*')
    .join('\n');
}

/** Where the token begins: its magic and the run's tag. */
function tokenAt(frame) {
  return frame.indexOf(Buffer.from('564912345678', 'hex'));
}

const lines = decoded();
const restored = new Set();
const sections = scenarioClasses.map((name) => {
  const shown = new Set();
  const raw = new Set(
    flows.flatMap(({ step, flow }) => (step === name && flow.carrier === 'raw' ? [flow.variant] : [])),
  );
  const blocks = flows.flatMap(({ step, flow, frame }, at) => {
    const purpose = purposes[flow.purpose ?? 'probe'];
    const title = [flow.carrier, flow.variant, purpose].filter((word) => word !== undefined && word !== '').join(', ');
    // What a class sends again beside its other carrier differs in nothing but the token.
    const key = flow.purpose === 'stimulus' ? title : `${title} ${lines[at]}`;
    if (step !== name || shown.has(key) || restored.has(key)) return [];
    // The same variant around a packet.
    if (flow.variant !== undefined && flow.carrier !== 'raw' && raw.has(flow.variant)) return [];
    shown.add(key);
    // What restores an owner is the same after other classes.
    if (flow.purpose === 'restore') restored.add(key);
    const line = lines[at].includes('ethertype Unknown') ? '' : `${lines[at]}\n`;
    return [`# ${title}, by ${flow.sender}\n${line}${bytes(frame, lines[at])}`];
  });
  const source = name === 'frame' ? ownFrames : '';
  return `## ${name}${disruptiveClasses.includes(name) ? ' *' : ''}\n\n${source}\`\`\`text\n${blocks.join('\n\n')}\n\`\`\``;
});
const page = wrapMarkdown(`# Frames, byte by byte

Reference. Look up a frame of a capture. \`verify-isolation plan FILE --hex\` prints those of your own scenario.

The first line names carrier, variant, purpose and sender; the second is what \`tcpdump -nt\` prints, where it says more than the bytes. Below are the bytes: link layer, IP header, what it carries, token.

- alice: 52:54:00:00:00:0a, 10.0.0.10, fd00::10
- bob: 52:54:00:00:00:0b, 10.0.0.11, fd00::11
- lan, the uplink: 00:11:22:33:44:55, 10.0.0.200, fd00::200
- the bridge: 02:76:69:fe:00:00, 10.0.0.1, fd00::1

- \`[token]\`, 18 bytes: \`5649\`, the run's tag, the index of the probe, and an authenticator, such as \`5649 12345678 00000000 3fb865a2e2740494\`; checksums cover it.
- Zeros that fill a frame up to 60 bytes are left out. \`*\` stands for lines of zeros.
- Of a packet that differs from an earlier one in addresses and checksums only, the link layer alone is shown.
- Shown once: what a class sends again for each carrier; what restores an owner; a variant of \`raw\`, which other carriers have too.
- A class with * is [disruptive](catalogue.md#disruptive-classes).

${sections.join('\n\n')}
`);
if (process.argv.includes('--write')) writeFileSync(join(top, 'docs/frames.md'), page);
else process.stdout.write(page);
