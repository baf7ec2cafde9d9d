/** The page, from its lamps to its player. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { live } from "./events.ts";
import { t } from "./i18n.ts";
import { unseen } from "./notices.ts";
import { session } from "./session.ts";
import { blocks } from "./tracks.ts";
import { Crew } from "./views/crew.tsx";
import { QuestionDialog } from "./views/dialog.tsx";
import { Dock } from "./views/dock.tsx";
import { DropOverlay } from "./views/drop.tsx";
import { Filters } from "./views/filters.tsx";
import { Hero } from "./views/hero.tsx";
import { List } from "./views/list.tsx";
import { OwnPresetDialog } from "./views/own.tsx";
import { Sending } from "./views/sending.tsx";
import { Toasts } from "./views/toasts.tsx";
import { filter, search } from "./tracks.ts";

function Title(): null {
  useEffect(() => {
    const count = unseen.value;
    document.title = `${count > 0 ? `(${count}) ` : ""}Sarau · ${t("app.tagline")}`;
  });
  return null;
}

export function App(): JSX.Element {
  const anything = blocks.value.some(({ ids }) => ids.length > 0) || filter.value !== "all" || search.value !== "";
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
      <DropOverlay />
    </>
  );
}
