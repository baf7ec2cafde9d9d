/** SHA-256 of bytes that come in parts (FIPS 180-4): the browser's own wants them all at once. */

const BLOCK_BYTES = 64;

// The fractional parts of the cube roots and square roots of the first primes (4.2.2, 5.3.3).
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && Array.from({ length: n - 2 }, (_, d) => d + 2).every((d) => n % d !== 0),
);
const fraction = (value: number): number => Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;
const K = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

export class Sha256 {
  readonly #state = START.slice();
  readonly #words = new Int32Array(64);
  /** The beginning of a block that is not full yet. */
  readonly #rest = new Uint8Array(BLOCK_BYTES);
  #length = 0;

  update(data: Uint8Array): this {
    let at = 0;
    const held = this.#length % BLOCK_BYTES;
    this.#length += data.length;
    if (held > 0) {
      at = Math.min(BLOCK_BYTES - held, data.length);
      this.#rest.set(data.subarray(0, at), held);
      if (held + at < BLOCK_BYTES) return this;
      this.#blocks(this.#rest, 0, BLOCK_BYTES);
    }
    const end = at + Math.floor((data.length - at) / BLOCK_BYTES) * BLOCK_BYTES;
    this.#blocks(data, at, end);
    this.#rest.set(data.subarray(end));
    return this;
  }

  /** The hash in hexadecimal; nothing can be added afterwards. */
  hex(): string {
    const bits = this.#length * 8;
    const held = this.#length % BLOCK_BYTES;
    const padding = new Uint8Array((held < 56 ? 56 : 120) - held + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits % 2 ** 32);
    this.update(padding);
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #blocks(data: Uint8Array, from: number, to: number): void {
    const w = this.#words;
    const state = this.#state;
    for (let at = from; at < to; at += BLOCK_BYTES) {
      for (let i = 0, o = at; i < 16; i += 1, o += 4) {
        w[i] = (data[o]! << 24) | (data[o + 1]! << 16) | (data[o + 2]! << 8) | data[o + 3]!;
      }
      for (let i = 16; i < 64; i += 1) {
        const x = w[i - 15]!;
        const y = w[i - 2]!;
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
      }
      let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
      let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
      for (let i = 0; i < 64; i += 1) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i]! + w[i]!) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
        h = g;
        g = f;
        f = e;
        e = (d + t1) | 0;
        d = c;
        c = b;
        b = a;
        a = (t1 + t2) | 0;
      }
      state[0] = (state[0]! + a) | 0;
      state[1] = (state[1]! + b) | 0;
      state[2] = (state[2]! + c) | 0;
      state[3] = (state[3]! + d) | 0;
      state[4] = (state[4]! + e) | 0;
      state[5] = (state[5]! + f) | 0;
      state[6] = (state[6]! + g) | 0;
      state[7] = (state[7]! + h) | 0;
    }
  }
}
