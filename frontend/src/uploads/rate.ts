/** Speed and time left, from totals seen over the last seconds. */

const WINDOW_S = 6;

export class Rate {
  readonly #seen: { at_s: number; bytes: number }[] = [];

  /** Note how many bytes have been sent in all. A smaller number than before starts over. */
  note(bytes: number, at_s: number): void {
    const last = this.#seen.at(-1);
    if (last && bytes < last.bytes) this.#seen.length = 0;
    this.#seen.push({ at_s, bytes });
    while (this.#seen.length > 2 && this.#seen[0]!.at_s < at_s - WINDOW_S) this.#seen.shift();
  }

  forget(): void {
    this.#seen.length = 0;
  }

  /** Bytes per second, or null while it is too early to say. */
  get speed(): number | null {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.at_s - first.at_s < 0.4) return null;
    return (last.bytes - first.bytes) / (last.at_s - first.at_s);
  }

  /** Seconds for `rest` bytes, or null while nothing moves. */
  left(rest: number): number | null {
    const speed = this.speed;
    return speed === null || speed < 1 ? null : rest / speed;
  }
}
