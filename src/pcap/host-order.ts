/** The byte order of this machine's typed arrays. */
export const endianness: 'little' | 'big' = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 'little' : 'big';
