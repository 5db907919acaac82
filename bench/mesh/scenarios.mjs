import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file with the mesh of scenarios/scale, of so many guests; `leaking`: of so many, whatever is for them goes to another as well (a mirror on their ports). */
export function meshScenario(scratch, guests, leaking = 0) {
  const mirrors = Array.from({ length: leaking }, (_, at) => [
    `qdisc add dev p${at + 1} clsact`, `filter add dev p${at + 1} egress u32 match u32 0 0 action mirred egress mirror dev p${leaking + at + 1}`,
  ]).flat();
  const rules = join(scratch, `mirrors-${guests}.tc`);
  if (leaking > 0) writeFileSync(rules, `${mirrors.join('\n')}\n`);
  const file = join(scratch, `mesh-${guests}-${leaking}.yml`);
  writeFileSync(file, `version: 1
name: mesh-${guests}${leaking === 0 ? '' : `-${leaking}-leaking`}
topology:
  provider: lab
  bridges: { br0: { mcast_snooping: off } }
  generate: [ { count: ${guests}, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
  - name: every guest to every other
    learn: all
${leaking === 0 ? '' : `    run: [ "tc -batch ${rules}" ]\n`}    probe: [ { class: known-unicast, from: "*", to: "*", count: 1, carriers: [raw] } ]
    expect: ${leaking === 0 ? 'private' : 'leak'}
`);
  return file;
}

/** Fifty guests on a hub: with ageing time 0 each frame of the mesh goes to everybody. */
export function hubScenario(scratch, guests) {
  const file = join(scratch, `hub-${guests}.yml`);
  writeFileSync(file, `version: 1
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
`);
  return file;
}

/** One sender, one addressee, one who listens, and so many frames. */
export function pairScenario(scratch, frames) {
  const file = join(scratch, `pair-${frames}.yml`);
  writeFileSync(file, `version: 1
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
`);
  return file;
}
