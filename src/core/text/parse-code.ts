import { errorCodes, type UnknownCode } from '../model/codes.js';
import { type FaultCode, isReasonCode } from '../model/reasons.js';

/** A code that was read: one of the known ones, or the text as it is where another version wrote it. */
export function parseCode<K extends string>(known: readonly K[], text: string): K | UnknownCode {
  return known.find((code) => code === text) ?? (text as UnknownCode);
}

/** The code of an error, or of a trouble of a step, from a message. */
export function parseFaultCode(text: string): FaultCode {
  return isReasonCode(text) ? text : parseCode(errorCodes, text);
}
