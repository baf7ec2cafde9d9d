/** Space plays and pauses, the arrows seek, wherever the focus has no use for them itself. */
import { current, position_s, seek, toggle } from "./player.ts";

const STEP_S = 5;

function hasOwnUse(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, button, a, summary, dialog, [role=slider], [role=radio], [role=region], [contenteditable]") !== null
  );
}

export function watchKeys(): void {
  addEventListener("keydown", (event) => {
    if (!current.peek() || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (hasOwnUse(event.target)) return;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") seek(position_s.peek() + STEP_S);
    else if (event.key === "ArrowLeft") seek(position_s.peek() - STEP_S);
    else return;
    event.preventDefault();
  });
}
