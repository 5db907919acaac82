import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { compressedCapture, files } from '../system/evidence/folder/folder.js';

/**
 * Turns a folder's capture into its compressed form (RFC 1952), which replay and Wireshark read as it is. The result
 * and the sums go: replay makes the one, and the other names the plain file.
 */
export async function compressCapture(dir: string): Promise<void> {
  await pipeline(
    createReadStream(join(dir, files.capture)),
    createGzip({ level: 9 }),
    createWriteStream(join(dir, compressedCapture)),
  );
  for (const name of [files.capture, files.result, files.sums]) await rm(join(dir, name));
}
