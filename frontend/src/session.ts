/** What the server says of itself and of this user, asked once. */
import { effect, signal } from "@preact/signals";
import type { Session } from "./types.ts";

export const session = signal<Session | null>(null);

/** Whether the server wants its token before it says more: asked for in place, so that chosen files are kept. */
export const locked = signal(false);

/** Take what a 401 asks for; tell whether it is our token, and not something of a proxy. */
export function shutOut(challenge: string | null | undefined): boolean {
  const isOurs = challenge?.includes('realm="sarau"') ?? false;
  if (isOurs) locked.value = true;
  return isOurs;
}

/** Kept as soon as there is an answer: what is chosen before it waits for it. */
export const sessionKnown = new Promise<void>((resolve) => {
  effect(() => {
    if (session.value) resolve();
  });
});
