/** The tags of a source; a long one, as lyrics are, is folded until somebody wants it whole. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n.ts";

/** Characters of a tag that are shown in any case. */
const SHOWN = 200;

type Tag = [name: string, value: string];

function LongTag({ name, value }: { name: string; value: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  const label = t(open ? "detail.showLess" : "detail.showAll");
  const shown = open ? value : `${[...value].slice(0, SHOWN).join("")}…`;
  return (
    <dd class={open ? "tag-open" : undefined}>
      {name}: {shown}{" "}
      <button type="button" class="link-button" aria-expanded={open} aria-label={`${label}: ${name}`} onClick={() => setOpen(!open)}>
        {label}
      </button>
    </dd>
  );
}

export function Tags({ tags }: { tags: Record<string, string> }): JSX.Element | null {
  const isLong = ([, value]: Tag): boolean => [...value].length > SHOWN;
  const all = Object.entries(tags);
  const brief = all.filter((tag) => !isLong(tag));
  if (all.length === 0) return null;
  return (
    <div class="whole">
      <dt>{t("detail.tags")}</dt>
      {brief.length > 0 && <dd>{brief.map(([name, value]) => `${name}: ${value}`).join(" · ")}</dd>}
      {all.filter(isLong).map(([name, value]) => (
        <LongTag key={name} name={name} value={value} />
      ))}
    </div>
  );
}
