import { type Codec, type Misfit, misfitOf, type Of, pathText } from '../model/shape/shape.js';
import { VerifyError } from '../model/verify-error.js';
import {
  answerShapes,
  type FromHost,
  fromHostShape,
  type HostAnswers,
  type HostAsk,
  type ToHost,
  toHostShape,
} from './host-messages.js';

function wrong(what: string): VerifyError {
  return new VerifyError(
    'protocol',
    70,
    `between hosts: ${what}`,
    'both sides must be of the same version; a shell that prints something at login spoils the channel',
  );
}

/** Another host may write any length. */
const maxFaultText = 300;

function faultText({ at, expected }: Misfit): string {
  return `${pathText(at)}: expected ${expected}`.slice(0, maxFaultText);
}

function read<C extends Codec<unknown>>(codec: C, line: string, what: string): Of<C> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(`a line that is not JSON: ${JSON.stringify(line.slice(0, 120))}`);
  }
  const misfit = misfitOf(codec, value, 'drop');
  if (misfit !== null) throw wrong(`${what}: ${faultText(misfit)}`);
  return value as Of<C>;
}

/** VerifyError (70) on anything else. */
export function parseToHost(line: string): ToHost {
  return read(toHostShape, line, 'a question');
}

/** VerifyError (70) on anything else. */
export function parseFromHost(line: string): FromHost {
  return read(fromHostShape, line, 'a message');
}

/** A text is the fault. */
export function parseAnswer<A extends HostAsk>(ask: A, value: unknown): HostAnswers[A] | string {
  const misfit = misfitOf(answerShapes[ask], value, 'drop');
  return misfit === null ? (value as HostAnswers[A]) : faultText(misfit);
}
