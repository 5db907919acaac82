declare const WebAssembly: {
  readonly Memory: {
    new (pages: { readonly initial: number; readonly maximum: number }): { readonly buffer: ArrayBuffer };
    new (pages: {
      readonly initial: number;
      readonly maximum: number;
      readonly shared: true;
    }): { readonly buffer: SharedArrayBuffer };
  };
};

const wasmPage = 65_536;

function pagesFor(length: number): { readonly initial: number; readonly maximum: number } {
  const pages = Math.ceil(length / wasmPage);
  return { initial: pages, maximum: pages };
}

/**
 * Page-aligned bytes. Other large arrays begin 16 bytes off (malloc): 0.5 instead of 0.1 s a GB on an AMD EPYC of the
 * third generation. Make few, as each takes gigabytes of address space.
 */
export function pageMemory(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(new WebAssembly.Memory(pagesFor(length)).buffer, 0, length);
  } catch {
    return new Uint8Array(length);
  }
}

/** As `pageMemory`, shared between threads. */
export function sharedPageMemory(length: number): Uint8Array<SharedArrayBuffer> {
  try {
    return new Uint8Array(new WebAssembly.Memory({ ...pagesFor(length), shared: true }).buffer, 0, length);
  } catch {
    return new Uint8Array(new SharedArrayBuffer(length));
  }
}
