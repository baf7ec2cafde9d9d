/** What the server says of itself and of this user, asked once. */
import { signal } from "@preact/signals";
import type { Session } from "./types.ts";

export const session = signal<Session | null>(null);
