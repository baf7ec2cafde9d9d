/** What the server says of itself and of this user, asked once. */
import { effect, signal } from "@preact/signals";
import type { Session } from "./types.ts";

export const session = signal<Session | null>(null);

/** Kept as soon as there is an answer: what is chosen before it waits for it. */
export const sessionKnown = new Promise<void>((resolve) => {
  effect(() => {
    if (session.value) resolve();
  });
});
