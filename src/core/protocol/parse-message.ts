import { type Codec, misfitOf, type Of, pathText } from '../model/shape/shape.js';
import { VerifyError } from '../model/verify-error.js';
import { fromHelper, type FromHelper, type HelperRole, toHelper, type ToHelper } from './messages.js';

/** Parsers by role, which refuse unknown members. VerifyError (70); the helper then ends. */
export const parseToHelper: { readonly [R in HelperRole]: (line: string) => ToHelper[R] } = {
  capture: (line) => parse(toHelper.capture, line),
  send: (line) => parse(toHelper.send, line),
  relay: (line) => parse(toHelper.relay, line),
};

/** Parsers by role. VerifyError (70) on anything else. */
export const parseFromHelper: { readonly [R in HelperRole]: (line: string) => FromHelper[R] } = {
  capture: (line) => parse(fromHelper.capture, line),
  send: (line) => parse(fromHelper.send, line),
  relay: (line) => parse(fromHelper.relay, line),
};

function parse<C extends Codec<unknown>>(codec: C, line: string): Of<C> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(`a line that is not JSON: ${JSON.stringify(line.slice(0, 80))}`);
  }
  const misfit = misfitOf(codec, value, 'drop');
  if (misfit === null) return value as Of<C>;
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : null;
  const label = `message${typeof type === 'string' && type !== '' ? ` ${JSON.stringify(type.slice(0, 40))}` : ''}`;
  const path = pathText(misfit.at);
  if (path === 'type') throw wrong(`unknown ${label}`);
  throw wrong(`${label}${path === '' ? '' : `: member ${JSON.stringify(path)}`} is not ${misfit.expected}`);
}

function wrong(what: string): VerifyError {
  return new VerifyError(
    'protocol',
    70,
    `between orchestrator and helper: ${what}`,
    'both must be of the same version; report this as a fault of verify-isolation',
  );
}
