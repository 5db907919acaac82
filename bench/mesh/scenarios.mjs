import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A file with the mesh of scenarios/scale, of so many guests; `leaking`: of so many, whatever they send goes to another
 * guest as well (a rule of nft that copies it).
 */
export function meshScenario(scratch, guests, leaking = 0) {
  const rules = join(scratch, `copies-${guests}.nft`);
  const chains = Array.from(
    { length: leaking },
    (_, at) =>
      `  chain p${at + 1} { type filter hook ingress device "p${at + 1}" priority 0; dup to "p${leaking + at + 1}"; }`,
  );
  if (leaking > 0) writeFileSync(rules, `table netdev copies {\n${chains.join('\n')}\n}\n`);
  const file = join(scratch, `mesh-${guests}-${leaking}.yml`);
  writeFileSync(
    file,
    `version: 1
name: mesh-${guests}${leaking === 0 ? '' : `-${leaking}-leaking`}
topology:
  provider: lab
  bridges: { br0: { mcast_snooping: off } }
  generate: [ { count: ${guests}, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
  - name: every guest to every other
    learn: all
${leaking === 0 ? '' : `    run: [ [ nft, -f, "${rules}" ] ]\n`}    probe: [ { class: known-unicast, from: "*", to: "*", count: 1, carriers: [raw] } ]
    expect: ${leaking === 0 ? 'private' : 'leak'}
`,
  );
  return file;
}

/** Fifty guests on a hub: with ageing time 0 each frame of the mesh goes to everybody. */
export function hubScenario(scratch, guests) {
  const file = join(scratch, `hub-${guests}.yml`);
  writeFileSync(
    file,
    `version: 1
name: hub-${guests}
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0, mcast_snooping: off } }
  generate: [ { count: ${guests}, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
  - name: everybody sees every frame
    learn: all
    probe: [ { class: known-unicast, from: "*", to: "*", count: 1, carriers: [raw] } ]
    expect: leak
`,
  );
  return file;
}

/** One sender, one addressee, one who listens, and so many frames. */
export function pairScenario(scratch, frames) {
  const file = join(scratch, `pair-${frames}.yml`);
  writeFileSync(
    file,
    `version: 1
name: pair-${frames}
topology:
  provider: lab
  bridges: { br0: { mcast_snooping: off } }
  generate: [ { count: 3, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
  - name: one guest to another
    learn: all
    probe: [ { class: known-unicast, from: g1, to: g2, count: ${frames}, carriers: [raw] } ]
    expect: private
`,
  );
  return file;
}
