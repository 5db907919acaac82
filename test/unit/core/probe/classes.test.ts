import { describe, expect, it } from 'vitest';
import { carriers } from '../../../../src/core/model/scenario.js';
import { classes, probeClasses, scenarioClasses } from '../../../../src/core/probe/classes.js';
import { describeFrame } from '../../../../src/core/wire/frame-view.js';
import { findToken, tokenLength } from '../../../../src/core/wire/token.js';
import { runTag, classCases, classCasesBehind } from '../../../support/probe/class-fixture.js';

describe('the descriptor of a class', () => {
  it.each(scenarioClasses)('stands in the list by its own name: %s', (name) => expect(classes[name].name).toBe(name));
  it.each(scenarioClasses)('says in a sentence what %s sends', (name) =>
    expect(classes[name].meaning).toMatch(/^[A-Z].*\.$/),
  );
});

describe('the frames of every class with every carrier that it takes', () => {
  it('are there, and each has its token', () => {
    expect(new Set(classCases.map(({ name }) => name))).toEqual(new Set(probeClasses));
    expect(new Set(classCases.map(({ carrier }) => carrier))).toEqual(new Set(carriers));
    for (const name of ['known-unicast', 'unknown-unicast', 'broadcast', 'vlan-hop', 'mac-spoof', 'mac-steal'] as const)
      expect(
        new Set(classCases.filter((classCase) => classCase.name === name).map(({ carrier }) => carrier)).size,
        name,
      ).toBeGreaterThanOrEqual(6);
    expect(classCases.filter(({ frame }) => findToken(frame, 0, frame.length, runTag, -1) === null)).toEqual([]);
  });

  // The kernel's trace reads the first bytes of a frame alone, and looks at even offsets.
  const stacks = [[], [0], [1, 10], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7, 8]].map((vlan) => ({ vlan }));
  it.each(stacks)(
    'have their token at an even offset below 128 from the start of the Ethernet header, tags inline: $vlan',
    ({ vlan }) => {
      const cases = classCasesBehind(vlan).map(({ name, carrier, frame }) => ({
        name,
        carrier,
        vlan: describeFrame(frame)?.vlan,
        at: findToken(frame, 0, frame.length, runTag, -1)?.at ?? -1,
      }));
      const tagged = cases.filter((classCase) => classCase.vlan?.join() === vlan.join());
      expect(new Set(tagged.map(({ name }) => name))).toEqual(new Set(probeClasses));
      const last = vlan.length <= 5 ? 128 - tokenLength : 127;
      expect(cases.filter(({ at }) => at < 14 || at % 2 !== 0 || at > last)).toEqual([]);
    },
  );
});
