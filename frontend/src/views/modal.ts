/** The browser's own modal dialog: it takes the focus, Escape closes it, and its opener has the focus again. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/**
 * Open a dialog as long as it is wanted. It ends by its own `close()` and no other way, and leaves the
 * document only in `onClose`: removed before, it would take the focus with it.
 */
export function useModal(isWanted: boolean): RefObject<HTMLDialogElement> {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isWanted && !dialog.current?.open) dialog.current?.showModal();
  }, [isWanted]);
  return dialog;
}
