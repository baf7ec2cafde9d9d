/** The sum of everything being sent, sampled a few times a second. */
import { signal } from "@preact/signals";
import { items } from "./queue.ts";
import { Rate } from "./rate.ts";

export interface Totals {
  files: number;
  done: number;
  failed: number;
  paused: number;
  sent: number;
  size: number;
  /** Bytes per second, null while unknown. */
  speed: number | null;
  eta_s: number | null;
}

export const totals = signal<Totals | null>(null);

const SAMPLE_MS = 250;
const rate = new Rate();

function sample(): void {
  const all = items.peek();
  if (all.length === 0) {
    rate.forget();
    totals.value = null;
    return;
  }
  const sum: Totals = { files: all.length, done: 0, failed: 0, paused: 0, sent: 0, size: 0, speed: null, eta_s: null };
  for (const item of all) {
    const status = item.status.peek();
    if (status === "failed") {
      sum.failed += 1;
      continue;
    }
    if (status === "done") sum.done += 1;
    if (status === "paused") sum.paused += 1;
    sum.sent += item.sent.peek();
    sum.size += item.size;
  }
  rate.note(sum.sent, performance.now() / 1000);
  sum.speed = rate.speed;
  sum.eta_s = rate.left(sum.size - sum.sent);
  totals.value = sum;
}

export function watchTotals(): void {
  items.subscribe(sample);
  setInterval(sample, SAMPLE_MS);
}
