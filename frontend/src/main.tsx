/** Starts the page: who is there, what is there, and what happens from now on. */
import { effect } from "@preact/signals";
import { render } from "preact";
import { getSession } from "./api.ts";
import { App } from "./app.tsx";
import { listen } from "./events.ts";
import { language, readLanguage } from "./i18n.ts";
import { notice } from "./notices.ts";
import { watchKeys } from "./player/keys.ts";
import { session } from "./session.ts";
import { toastError } from "./toasts.ts";
import { catchUp, forget, reload, takeProgress, touch } from "./tracks.ts";
import type { Session, TrackEvent } from "./types.ts";
import { watchWindow } from "./uploads/queue.ts";
import { watchTotals } from "./uploads/totals.ts";
import { watchUnfinished } from "./uploads/unfinished.ts";

function onRecord(event: TrackEvent): void {
  if (event.track_id === null) return;
  if (event.kind === "track.deleted") forget(event.track_id);
  else touch(event.track_id);
  notice(event);
}

const RETRY_MS = 3000;

/** Ask until there is an answer: the page may be opened while the server restarts. */
async function askSession(): Promise<Session> {
  for (;;) {
    try {
      return await getSession();
    } catch (error) {
      toastError(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function start(): Promise<void> {
  readLanguage(document.documentElement.lang);
  const root = document.getElementById("app");
  if (!root) return;
  root.replaceChildren();
  render(<App />, root);
  watchKeys();
  watchWindow();
  watchTotals();
  await watchUnfinished();
  session.value = await askSession();
  listen(session.value.event_number, { onRecord, onProgress: takeProgress, onGap: () => void catchUp() });
  await reload();
  // The server writes the tracks' messages in the page's language.
  let shown = language.peek();
  effect(() => {
    if (language.value === shown) return;
    shown = language.value;
    void catchUp();
  });
}

start().catch(toastError);
