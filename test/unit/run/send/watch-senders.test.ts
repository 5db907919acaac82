import { describe, expect, it } from 'vitest';
import { displaced, placesOf } from '../../../../src/run/send/watch-senders.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';

const planOf = (probe: string): ReturnType<typeof makePlan> =>
  makePlan(
    loadScenario(
      't',
      Buffer.from(
        `version: 1\nname: t\nallow_disruptive: true\ntopology:\n  provider: lab\n  bridges: { br0: {} }\n  endpoints:\n    a: { bridge: br0, port: p0, mac: "52:54:00:00:00:0a" }\n    b: { bridge: br0, port: p1, mac: "52:54:00:00:00:0b" }\n    c: { bridge: br0, port: p2, mac: "52:54:00:00:00:0c" }\nsteps:\n  - name: s\n    probe: ${probe}\n`,
      ),
    ),
    { runTag: 1, keySha256: '' },
  );
const indexes = new Map([
  ['br0', 9],
  ['p0', 10],
  ['p1', 11],
  ['p2', 12],
]);
const places = placesOf(planOf('{ class: known-unicast, from: a, to: b }'), indexes);

describe('a guest is spoken for while it is where the run takes it to be', () => {
  it('and no longer than its MAC is on its port', () => {
    expect(displaced(places, [{ kind: 'moved', mac: '52:54:00:00:00:0a', ifindex: 10, bridge: 9 }])).toBeNull();
    expect(displaced(places, [{ kind: 'moved', mac: '52:54:00:00:00:0a', ifindex: 12, bridge: 9 }])).toContain(
      '52:54:00:00:00:0a of a is no longer on p0 but on p2: it has moved',
    );
  });

  it('though a bridge that is joined to its own learns it at the port that leads there', () => {
    expect(displaced(places, [{ kind: 'moved', mac: '52:54:00:00:00:0a', ifindex: 30, bridge: 29 }])).toBeNull();
  });

  it('and no longer than its port has a carrier', () => {
    expect(displaced(places, [{ kind: 'carrier', ifindex: 10 }])).toBe('p0 has no carrier any more');
  });

  it('but others, who are not spoken for, may move', () => {
    expect(
      displaced(places, [
        { kind: 'moved', mac: '52:54:00:00:00:0b', ifindex: 12, bridge: 9 },
        { kind: 'carrier', ifindex: 11 },
        { kind: 'carrier', ifindex: 99 },
      ]),
    ).toBeNull();
  });

  it('unless the run itself takes a MAC', () => {
    const stealing = placesOf(planOf('{ class: mac-steal, from: a, to: b, via: c }'), indexes);
    expect(displaced(stealing, [{ kind: 'moved', mac: '52:54:00:00:00:0b', ifindex: 10, bridge: 9 }])).toBeNull();
  });
});
