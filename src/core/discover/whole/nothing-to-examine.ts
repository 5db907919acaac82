import type { UnbridgedSegment } from '../../bridge/beside.js';
import { VerifyError } from '../../model/verify-error.js';

/** A line on left-out guests, with the command that examines them. */
export function besideNote({ place, value, text, command }: UnbridgedSegment): string {
  return `not examined: ${place} (${value}): ${text}${command === null ? '' : `: ${command}`}`;
}

/** The error of a run without guests, with the command to type. */
export function nothingToExamine(
  hasBridges: boolean,
  { guests, zones }: { readonly guests: readonly string[]; readonly zones: readonly string[] },
  others: readonly UnbridgedSegment[],
  apart: readonly UnbridgedSegment[],
): VerifyError {
  if (hasBridges && guests.length + zones.length > 0)
    return new VerifyError(
      'nothing-to-examine',
      69,
      `no guest here is ${[...guests, ...zones.map((zone) => `in zone ${zone}`)].join(' or ')}`,
      '`verify-isolation init` prints the guests that are here',
    );
  const commands = [...others, ...apart].flatMap(({ command }) => command ?? []);
  if (others.length > 0) {
    return new VerifyError(
      'nothing-to-examine',
      69,
      ['no guest is on a bridge of this namespace, so that nothing can be sent here', ...others.map(besideNote)].join(
        '\n',
      ),
      commands.length > 0
        ? commands.join('; ')
        : '`verify-isolation audit` says what the settings of these guests let through',
    );
  }
  return new VerifyError(
    'nothing-to-examine',
    69,
    'nothing to examine: no guest is on a bridge of this machine',
    commands.length > 0
      ? commands.join('; ')
      : 'run it on the virtualization host, in the namespace of its bridge (--netns). To see what it does, without a host: verify-isolation demo (in a checkout: npm start)',
  );
}
