/**
 * A cpio archive of the format `newc`, which the kernel unpacks as its first file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst). `entries`: `{ path, mode, data }` with the file type in
 * `mode`; folders before what is in them.
 */
export function cpio(entries) {
  const parts = [...entries, { path: 'TRAILER!!!', mode: 0, data: Buffer.alloc(0) }].flatMap(
    ({ path, mode, data }, index) => {
      const name = Buffer.from(`${path}\0`);
      // c_ino c_mode c_uid c_gid c_nlink c_mtime c_filesize c_maj c_min c_rmaj c_rmin c_namesize c_chksum
      const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
      const header = Buffer.concat([
        Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`),
        name,
      ]);
      return [header, padding(header.length), data, padding(data.length)];
    },
  );
  return Buffer.concat(parts);
}

/** Names and contents end at multiples of four bytes. */
function padding(length) {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
