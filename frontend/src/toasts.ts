/** Short notices: said once, read out politely, gone by themselves unless they are errors. */
import { signal } from "@preact/signals";

export interface Toast {
  key: number;
  text: string;
  tone: "plain" | "good" | "bad";
}

export const toasts = signal<Toast[]>([]);

const STAY_MS = { plain: 5000, good: 5000, bad: 12000 };
const GATHER_MS = 1200;
let next = 0;

export function dismiss(key: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.key !== key);
}

export function toast(text: string, tone: Toast["tone"] = "plain"): void {
  const same = toasts.peek().find((other) => other.text === text);
  if (same) dismiss(same.key);
  const key = ++next;
  toasts.value = [...toasts.peek().slice(-3), { key, text, tone }];
  setTimeout(() => dismiss(key), STAY_MS[tone]);
}

/** Say in one notice what comes in a burst: `tell` gets all of it a moment later. */
export function gather<T>(tell: (all: T[]) => void): (one: T) => void {
  let all: T[] = [];
  return (one) => {
    if (all.length === 0) {
      setTimeout(() => {
        const told = all;
        all = [];
        tell(told);
      }, GATHER_MS);
    }
    all.push(one);
  };
}

export function toastError(error: unknown): void {
  toast(error instanceof Error ? error.message : String(error), "bad");
}
