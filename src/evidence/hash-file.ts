import { createHash } from 'node:crypto';
import { readOctets } from '../system/evidence/read/read-bytes.js';

/** SHA-256 of a file's bytes, hex, read as a stream; of a compressed one what it stands for. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readOctets(path, { fleeting: true })) hash.update(chunk);
  return hash.digest('hex');
}
