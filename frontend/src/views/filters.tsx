/** Which tracks to show: by state, and by words. */
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { ApiError, listTracks, retryTrack } from "../api.ts";
import { plural, t } from "../i18n.ts";
import { toast, toastError } from "../toasts.ts";
import { blocks, counts, filter, FILTERS, put, reload, search, type FilterName } from "../tracks.ts";
import { Icon } from "./icons.tsx";

const PAUSE_MS = 250;

export function setFilter(name: FilterName): void {
  filter.value = name;
  void reload();
}

function countOf(name: FilterName): number {
  const numbers = counts.value;
  if (name === "all") return Object.values(numbers).reduce((sum, n) => sum + n, 0);
  return FILTERS[name].reduce((sum, state) => sum + (numbers[state] ?? 0), 0);
}

/** Ask for a new run of every failed track, loaded or not; those whose bytes are gone stay as they are. */
async function retryAllFailed(): Promise<void> {
  let before: string | null = null;
  let done = 0;
  let refused: unknown = null;
  try {
    do {
      const page = await listTracks({ states: ["failed"], text: "", before, limit: 100 });
      for (const { id } of page.items) {
        try {
          put(await retryTrack(id));
          done += 1;
        } catch (error) {
          if (!(error instanceof ApiError) || ![404, 409].includes(error.status)) throw error;
          refused = error;
        }
      }
      before = page.next_before;
    } while (before !== null);
  } catch (error) {
    toastError(error);
  }
  if (done > 0) toast(plural("toast.retried", done));
  else if (refused) toastError(refused);
}

function Search(): JSX.Element {
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const onInput = (event: Event): void => {
    const text = (event.currentTarget as HTMLInputElement).value.trim();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      search.value = text;
      void reload();
    }, PAUSE_MS);
  };
  return (
    <div class="search">
      <Icon name="search" size={18} />
      <input type="search" aria-label={t("list.search")} placeholder={t("list.search")} value={search.value} onInput={onInput} />
    </div>
  );
}

export function Filters(): JSX.Element {
  return (
    <div class="filters">
      <div class="chips" role="group" aria-label={t("list.filter")}>
        {(Object.keys(FILTERS) as FilterName[]).map((name) => (
          <button key={name} type="button" class="chip" aria-pressed={filter.value === name} onClick={() => setFilter(name)}>
            {t(`list.${name}`)} <span class="figure">{countOf(name)}</span>
          </button>
        ))}
      </div>
      {(counts.value.failed ?? 0) > 1 && (
        <button type="button" class="button quiet-button" onClick={() => void retryAllFailed()}>
          <Icon name="retry" size={18} /> {t("list.retryAll")}
        </button>
      )}
      <Search />
      <p class="visually-hidden" role="status">
        {(filter.value !== "all" || search.value !== "") && plural("list.found", blocks.value.reduce((sum, { ids }) => sum + ids.length, 0))}
      </p>
    </div>
  );
}
