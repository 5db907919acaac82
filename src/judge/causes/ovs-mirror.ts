import { word } from '../../audit/shell-word.js';
import type { CauseFinder } from '../../core/judge/explain/causes/leak.js';
import { ovsLeak } from '../../core/judge/explain/causes/ovs.js';

/** A mirror of Open vSwitch copies frames to the observer's port. */
export const ovsMirror: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null) return null;
  const near = [found.from?.name, found.to?.name];
  const mirror = found.ovs.mirrors.find(
    ({ bridge, outputPort, ports }) =>
      bridge === found.bridge.name &&
      outputPort !== null &&
      outputPort === found.port?.name &&
      (ports === null || ports.some((name) => near.includes(name))),
  );
  if (mirror === undefined) return null;
  return {
    place: `mirror ${mirror.name}`,
    value: `${mirror.ports?.join(', ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    text: `the mirror ${mirror.name} of ${mirror.bridge} copies frames of ${mirror.ports?.join(' and ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    fix: `ovs-vsctl -- --id=@m get Mirror ${word(mirror.name)} -- remove Bridge ${word(mirror.bridge)} mirrors @m`,
  };
};
