/** MAC address, lower case with colons: `52:54:00:85:20:d1`. */
export type Mac = string;
