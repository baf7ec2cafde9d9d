/** The page, from its lamps to its player. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { live } from "./events.ts";
import { t } from "./i18n.ts";
import { unseen } from "./notices.ts";
import { session } from "./session.ts";
import { filter, hasAny, search } from "./tracks.ts";
import { Crew } from "./views/crew.tsx";
import { QuestionDialog } from "./views/dialog.tsx";
import { Dock } from "./views/dock.tsx";
import { Door } from "./views/door.tsx";
import { DropOverlay } from "./views/drop.tsx";
import { Filters } from "./views/filters.tsx";
import { Hero } from "./views/hero.tsx";
import { List } from "./views/list.tsx";
import { OwnPresetDialog } from "./views/own.tsx";
import { Sending } from "./views/sending.tsx";
import { Toasts } from "./views/toasts.tsx";

function Title(): null {
  // Read here: what only an effect reads draws nothing anew.
  const count = unseen.value;
  const title = `${count > 0 ? `(${count}) ` : ""}Sarau · ${t("app.tagline")}`;
  useEffect(() => void (document.title = title), [title]);
  return null;
}

export function App(): JSX.Element {
  const anything = hasAny.value || filter.value !== "all" || search.value !== "";
  return (
    <>
      <Title />
      <a class="skip" href="#tracks">{t("app.skip")}</a>
      <Hero />
      <main id="tracks" tabIndex={-1}>
        <Sending />
        <div class="list-head">
          <h2 id="list-title">{t("list.title")}</h2>
          {!live.value && <span class="badge lost">{t("toast.liveLost")}</span>}
        </div>
        {anything && <Filters />}
        <List />
        <Crew />
      </main>
      <footer class="foot">{session.value && t("app.version", { version: session.value.version })}</footer>
      <Dock />
      <Toasts />
      <QuestionDialog />
      <OwnPresetDialog />
      <Door />
      <DropOverlay />
    </>
  );
}
