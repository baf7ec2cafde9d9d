/** The tracks. Blocks of rows far from the window are replaced by their height. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n.ts";
import { blocks, filter, hasMore, listState, loadMore, reload, search, trackSignal, type Block } from "../tracks.ts";
import { items } from "../uploads/queue.ts";
import { setFilter } from "./filters.tsx";
import { Row } from "./row.tsx";

const NEAR = "1200px 0px";

function BlockRows({ block, first }: { block: Block; first: boolean }): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  const [near, setNear] = useState(true);

  useLayoutEffect(() => {
    if (near && root.current) height.current = root.current.offsetHeight;
  });
  useEffect(() => {
    const element = root.current;
    if (!element || first) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1); // a busy page is told several at once: the last one holds
        if (!entry) return;
        if (!entry.isIntersecting && element.contains(document.activeElement)) return;
        if (!entry.isIntersecting) height.current = element.offsetHeight;
        setNear(entry.isIntersecting);
      },
      { rootMargin: NEAR },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [first]);

  const shown = near || first;
  return (
    <div ref={root} role="presentation" class="block" style={shown ? {} : { height: `${height.current}px` }}>
      {shown &&
        block.ids.map((id) => {
          const track = trackSignal(id);
          return track && <Row key={id} of={track} />;
        })}
    </div>
  );
}

function Empty(): JSX.Element {
  const narrowed = filter.value !== "all" || search.value !== "";
  if (narrowed) {
    const clear = (): void => {
      search.value = "";
      setFilter("all");
    };
    return (
      <div class="empty">
        <p class="empty-title">{t("empty.none")}</p>
        <button type="button" class="button quiet-button" onClick={clear}>{t("empty.clear")}</button>
      </div>
    );
  }
  return (
    <div class="empty">
      <p class="empty-title">{t("empty.title")}</p>
      <p class="note">{t("empty.lead")}</p>
    </div>
  );
}

function More(): JSX.Element | null {
  const end = useRef<HTMLDivElement>(null);
  const idle = listState.value === "idle";
  useEffect(() => {
    // A new observer tells at once where the end is: it may still be near after a page has come.
    if (!idle || !end.current) return undefined;
    const observer = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && void loadMore(), { rootMargin: "800px 0px" });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [idle, blocks.value, hasMore.value]);
  if (listState.value === "error") {
    return (
      <div class="more">
        <p class="note">{t("list.error")}</p>
        <button type="button" class="button quiet-button" onClick={() => void (hasMore.value ? loadMore() : reload())}>{t("list.again")}</button>
      </div>
    );
  }
  if (!hasMore.value) return null;
  return (
    <div class="more" ref={end}>
      <button type="button" class="button quiet-button" onClick={() => void loadMore()}>
        {t(listState.value === "loading" ? "list.loading" : "list.loadMore")}
      </button>
    </div>
  );
}

export function List(): JSX.Element {
  const all = blocks.value;
  const empty = all.every(({ ids }) => ids.length === 0);
  return (
    <>
      {empty && listState.value === "idle" && items.value.length === 0 && <Empty />}
      {!empty && (
        <div role="list" class="list" aria-labelledby="list-title" aria-busy={listState.value === "loading"}>
          {all.map((block, i) => block.ids.length > 0 && <BlockRows key={block.key} block={block} first={i === 0} />)}
        </div>
      )}
      <More />
    </>
  );
}
